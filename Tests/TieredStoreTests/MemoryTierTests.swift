import BlockCache
import MeshTypes
import Testing
import TieredStore

@Suite("Memory tier")
struct MemoryTierTests {
  private func makeTier(
    slabs: Int = 2,
    policy: EvictionPolicyKind = .lru
  ) throws -> (MemoryTier, NamespaceID) {
    var tier = try MemoryTier(configuration: .small(slabs: slabs, policy: policy))
    let namespace = try tier.openNamespace("tenant")
    return (tier, namespace)
  }

  // MARK: Writing and reading

  @Test("a block is found when it is published, not before")
  func publication() throws {
    var (tier, tenant) = try makeTier()
    let extent = try tier.reserved(1, in: tenant, byteCount: 3000)
    #expect(try !tier.has(1, in: tenant))
    #expect(tier.publish(extent.handle, checksum: 77) == .published)
    let found = try #require(try tier.acquire(tenant, .numbered(1)))
    #expect(found.offset == extent.offset && found.byteCount == 3000 && found.checksum == 77)
    #expect(try tier.acquire(tenant, .numbered(2)) == nil)
    tier.release(found.handle)
    try tier.checkInvariants()
    let statistics = tier.statistics
    #expect(statistics.usedBytes == 3000 && statistics.blockCount == 1)
    #expect(statistics.namespaces[0].hitCount == 1 && statistics.namespaces[0].missCount == 1)
  }

  @Test("an abandoned reservation leaves nothing")
  func abandonment() throws {
    var (tier, tenant) = try makeTier()
    let extent = try tier.reserved(1, in: tenant)
    #expect(tier.statistics.usedBytes == 4096 && tier.statistics.slabBytes == 1 << 16)
    tier.abandon(extent.handle)
    #expect(try !tier.has(1, in: tenant))
    #expect(tier.statistics.usedBytes == 0 && tier.statistics.slabBytes == 0)
    try tier.checkInvariants()
  }

  @Test("of two writers of a key the first to publish stays, and the other is told")
  func race() throws {
    var (tier, tenant) = try makeTier()
    let first = try tier.reserved(1, in: tenant)
    let second = try tier.reserved(1, in: tenant)
    #expect(first.offset != second.offset)
    #expect(tier.publish(second.handle, checksum: 2) == .published)
    guard case .present(let present) = tier.publish(first.handle, checksum: 1) else {
      Issue.record("two blocks of one key")
      return
    }
    #expect(present.offset == second.offset && present.checksum == 2)
    tier.release(present.handle)
    tier.abandon(first.handle)
    // A third one is told before it writes.
    #expect(try tier.store(1, in: tenant) == nil)
    try tier.checkInvariants()
  }

  @Test("the longest prefix ends at the first key that is missing")
  func prefix() throws {
    var (tier, tenant) = try makeTier()
    for number in [1, 2, 4] { #expect(try tier.store(number, in: tenant, byteCount: 100) == []) }
    let keys = (1...4).map(BlockKey.numbered)
    let match = try tier.longestPrefix(of: keys, in: tenant)
    #expect(match.blockCount == 2 && match.byteCount == 200)
    let extents = try tier.acquirePrefix(of: keys, in: tenant)
    #expect(extents.map(\.checksum) == [1, 2])
    for extent in extents { tier.release(extent.handle) }
    #expect(try tier.touch(keys, in: tenant) == 3, "a touch does not end at a hole")
    #expect(try tier.longestPrefix(of: [], in: tenant).blockCount == 0)
  }

  @Test("a size that no slab holds and an unknown namespace are refused")
  func refusals() throws {
    var (tier, tenant) = try makeTier()
    for size in [0, -1, (1 << 16) + 1, Int.max, Int.min] {
      #expect(errorCode { _ = try tier.store(1, in: tenant, byteCount: size) } == .outOfRange)
    }
    #expect(try tier.store(1, in: tenant, byteCount: 1 << 16) == [])
    let stranger = NamespaceID(rawValue: 9)
    #expect(errorCode { _ = try tier.store(1, in: stranger) } == .notFound)
    #expect(errorCode { _ = try tier.acquire(stranger, .numbered(1)) } == .notFound)
    #expect(errorCode { _ = try tier.touch([], in: stranger) } == .notFound)
    try tier.checkInvariants()
  }

  // MARK: Room

  @Test("a full tier gives up what its policy chooses", arguments: EvictionPolicyKind.allCases)
  func eviction(_ policy: EvictionPolicyKind) throws {
    var (tier, tenant) = try makeTier(policy: policy)
    for number in 0..<32 { #expect(try tier.store(number, in: tenant) == []) }
    for _ in 0..<2 { #expect(try tier.touch([.numbered(0)], in: tenant) == 1) }
    let evictions = try #require(try tier.store(32, in: tenant))
    #expect(evictions.map(\.key) == [.numbered(1)])
    #expect(evictions.map(\.reason) == [.capacity])
    #expect(evictions.map(\.byteCount) == [4096])
    #expect(tier.statistics.usedBytes == 32 * 4096)
    try tier.checkInvariants()
  }

  @Test("a block that is being read keeps its place")
  func held() throws {
    var (tier, tenant) = try makeTier(slabs: 1)
    for number in 0..<16 { #expect(try tier.store(number, in: tenant) == []) }
    let reading = try #require(try tier.acquire(tenant, .numbered(0)))
    for number in 100..<164 {
      let extent = try tier.reserved(number, in: tenant)
      #expect(extent.offset != reading.offset)
      #expect(tier.publish(extent.handle, checksum: 0) == .published)
    }
    #expect(try tier.has(0, in: tenant))
    tier.release(reading.handle)
    try tier.checkInvariants()
  }

  @Test("removing a block that is being read frees its room when the last reader is done")
  func removal() throws {
    var (tier, tenant) = try makeTier()
    #expect(try tier.store(1, in: tenant) == [])
    let first = try #require(try tier.acquire(tenant, .numbered(1)))
    let second = try #require(try tier.acquire(tenant, .numbered(1)))
    #expect(tier.remove(tenant, .numbered(1))?.reason == .removal)
    #expect(tier.remove(tenant, .numbered(1)) == nil)
    #expect(try !tier.has(1, in: tenant))
    tier.release(first.handle)
    #expect(tier.statistics.usedBytes == 4096)
    try tier.checkInvariants()
    // The key may come again meanwhile.
    #expect(try tier.store(1, in: tenant) == [])
    tier.release(second.handle)
    #expect(tier.statistics.usedBytes == 4096 && tier.statistics.blockCount == 1)
    try tier.checkInvariants()
  }

  @Test("a tier full of blocks that must stay answers that it is exhausted, and recovers")
  func exhaustion() throws {
    var (tier, tenant) = try makeTier(slabs: 1)
    for number in 0..<15 { #expect(try tier.store(number, in: tenant) == []) }
    let writing = try tier.reserved(15, in: tenant)
    let keys = (0..<15).map(BlockKey.numbered)
    let reading = try tier.acquirePrefix(of: keys, in: tenant)
    #expect(reading.count == 15)
    #expect(try tier.store(16, in: tenant) == nil)
    #expect(tier.statistics.counters.exhaustedCount == 1)
    tier.release(reading[7].handle)
    #expect(try tier.store(16, in: tenant)?.map(\.key) == [.numbered(7)])
    for extent in reading where extent != reading[7] { tier.release(extent.handle) }
    tier.abandon(writing.handle)
    try tier.checkInvariants()
  }

  @Test("a damaged block is dropped while its reader still holds it")
  func corruption() throws {
    var (tier, tenant) = try makeTier()
    #expect(try tier.store(1, in: tenant) == [])
    let reading = try #require(try tier.acquire(tenant, .numbered(1)))
    #expect(tier.discardCorrupted(reading.handle)?.reason == .corruption)
    #expect(tier.discardCorrupted(reading.handle) == nil, "once")
    #expect(try !tier.has(1, in: tenant))
    tier.release(reading.handle)
    #expect(tier.statistics.usedBytes == 0 && tier.statistics.counters.corruptedCount == 1)
    try tier.checkInvariants()
  }

  @Test("demotion takes what would go next, and keeps its bytes until it is released")
  func demotion() throws {
    var (tier, tenant) = try makeTier(slabs: 1)
    for number in 0..<16 { #expect(try tier.store(number, in: tenant) == []) }
    #expect(try tier.touch([.numbered(0)], in: tenant) == 1)
    let demotions = tier.demote(atLeastBytes: 8000)
    #expect(demotions.map(\.key) == [.numbered(1), .numbered(2)])
    #expect(try !tier.has(1, in: tenant))
    let offsets = Set(demotions.map(\.extent.offset))
    let extent = try tier.reserved(50, in: tenant)
    #expect(!offsets.contains(extent.offset))
    tier.abandon(extent.handle)
    for demotion in demotions { tier.release(demotion.extent.handle) }
    #expect(tier.demote(atLeastBytes: .max).count == 13)
    #expect(tier.demote(atLeastBytes: 1).isEmpty)
    try tier.checkInvariants()
  }

  // MARK: Several sizes

  @Test("a slab that becomes empty serves blocks of another size")
  func handover() throws {
    var (tier, tenant) = try makeTier()
    for number in 0..<32 { #expect(try tier.store(number, in: tenant) == []) }
    for number in 0..<16 { #expect(tier.remove(tenant, .numbered(number)) != nil) }
    // Three of 20 000 bytes fit in the slab that is empty now.
    for number in 100..<103 {
      #expect(try tier.store(number, in: tenant, byteCount: 20_000) == [])
    }
    try tier.checkInvariants()
  }

  @Test("a new size empties the longest unused slab, then evicts its own while that is colder")
  func newSize() throws {
    var (tier, tenant) = try makeTier()
    for number in 0..<32 { #expect(try tier.store(number, in: tenant) == []) }
    #expect(try tier.touch((0..<16).map(BlockKey.numbered), in: tenant) == 16)
    let evictions = try #require(try tier.store(100, in: tenant, byteCount: 30_000))
    #expect(Set(evictions.map(\.key)) == Set((16..<32).map(BlockKey.numbered)))
    #expect(evictions.allSatisfy { $0.reason == .slab })
    #expect(try tier.store(101, in: tenant, byteCount: 30_000) == [])
    // The other slab is colder than both large blocks now.
    let more = try #require(try tier.store(102, in: tenant, byteCount: 30_000))
    #expect(more.count == 16 && more.allSatisfy { $0.reason == .slab })
    try tier.checkInvariants()
    // No foreign slab is left: its own goes.
    #expect(try tier.store(103, in: tenant, byteCount: 30_000) == [])
    #expect(try tier.store(104, in: tenant, byteCount: 30_000)?.map(\.key) == [.numbered(100)])
    try tier.checkInvariants()
  }

  @Test("a slab with a block that must stay is not emptied for another size")
  func heldSlab() throws {
    var (tier, tenant) = try makeTier(slabs: 1)
    for number in 0..<16 { #expect(try tier.store(number, in: tenant) == []) }
    let reading = try #require(try tier.acquire(tenant, .numbered(9)))
    #expect(try tier.store(100, in: tenant, byteCount: 30_000) == nil)
    #expect(tier.statistics.blockCount == 16)
    tier.release(reading.handle)
    #expect(try tier.store(100, in: tenant, byteCount: 30_000)?.count == 16)
    try tier.checkInvariants()
  }

  // MARK: Settings

  @Test(
    "settings out of range are refused by name",
    arguments: [
      (MemoryTierConfiguration(capacityBytes: 0), "capacityBytes"),
      (MemoryTierConfiguration(capacityBytes: (16 << 20) + 1), "capacityBytes"),
      (MemoryTierConfiguration(capacityBytes: .max), "capacityBytes"),
      (MemoryTierConfiguration(capacityBytes: 8192, slabBytes: 100), "slabBytes"),
      (MemoryTierConfiguration(capacityBytes: 8192, slabBytes: 0), "slabBytes"),
      (MemoryTierConfiguration(capacityBytes: 1 << 24, defaultQuotaBytes: -1), "defaultQuotaBytes"),
      (MemoryTierConfiguration(capacityBytes: 1 << 24, namespaceLimit: 0), "namespaceLimit"),
      (MemoryTierConfiguration(capacityBytes: 1 << 24, evictionLogLength: 0), "evictionLogLength"),
    ]
  )
  func settings(_ configuration: MemoryTierConfiguration, _ field: String) {
    #expect {
      _ = try MemoryTier(configuration: configuration)
    } throws: { error in
      (error as? MeshError)?.field == field
    }
  }
}
