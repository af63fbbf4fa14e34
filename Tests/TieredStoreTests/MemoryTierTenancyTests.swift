import BlockCache
import MeshTypes
import Testing
import TieredStore

@Suite("Tenants, leases and watchers of the memory tier")
struct MemoryTierTenancyTests {
  // MARK: Namespaces

  @Test("namespaces never find each other's blocks, whatever the keys")
  func isolation() throws {
    var tier = try MemoryTier(configuration: .small())
    let one = try tier.openNamespace("one")
    let two = try tier.openNamespace("two")
    #expect(try tier.openNamespace("one") == one)
    #expect(tier.namespace(named: "two") == two && tier.namespace(named: "three") == nil)
    #expect(try tier.store(1, in: one, byteCount: 10) == [])
    #expect(try !tier.has(1, in: two))
    #expect(try tier.acquire(two, .numbered(1)) == nil)
    #expect(tier.remove(two, .numbered(1)) == nil)
    #expect(try tier.store(1, in: two, byteCount: 20) == [], "a key of its own")
    #expect(tier.statistics.namespaces.map(\.usedBytes) == [10, 20])
    try tier.checkInvariants()
  }

  @Test("a namespace at its quota evicts its own and nobody else's")
  func quota() throws {
    var tier = try MemoryTier(configuration: .small(slabs: 4, quotaBytes: 10_000))
    let one = try tier.openNamespace("one")
    let two = try tier.openNamespace("two")
    #expect(try tier.store(1, in: two, byteCount: 10_000) == [])
    #expect(try tier.store(1, in: one, byteCount: 4000) == [])
    #expect(try tier.store(2, in: one, byteCount: 6000) == [], "exactly the quota")
    let evictions = try #require(try tier.store(3, in: one, byteCount: 1))
    #expect(evictions.map(\.namespace) == [one] && evictions.map(\.reason) == [.quota])
    #expect(try tier.has(1, in: two))
    try tier.checkInvariants()
  }

  @Test("a block larger than the quota is refused without driving anything out")
  func overQuota() throws {
    var tier = try MemoryTier(configuration: .small(quotaBytes: 10_000))
    let one = try tier.openNamespace("one")
    #expect(try tier.store(1, in: one) == [])
    #expect(try tier.store(2, in: one, byteCount: 10_001) == nil)
    #expect(tier.statistics.counters.overQuotaCount == 1)
    #expect(try tier.has(1, in: one))
  }

  @Test("a quota of blocks that must stay answers that it is exhausted")
  func pinnedQuota() throws {
    var tier = try MemoryTier(configuration: .small(quotaBytes: 8192))
    let one = try tier.openNamespace("one")
    let extents = [try tier.reserved(1, in: one), try tier.reserved(2, in: one)]
    #expect(try tier.store(3, in: one) == nil)
    for extent in extents { #expect(tier.publish(extent.handle, checksum: 0) == .published) }
    #expect(try tier.store(3, in: one)?.count == 1)
    try tier.checkInvariants()
  }

  @Test("a lowered quota takes effect at once")
  func loweredQuota() throws {
    var tier = try MemoryTier(configuration: .small())
    let one = try tier.openNamespace("one")
    for number in 0..<10 { #expect(try tier.store(number, in: one, byteCount: 1000) == []) }
    var evictions: [Eviction] = []
    try tier.setQuota(of: one, toBytes: 2500, evictions: &evictions)
    #expect(evictions.map(\.key) == (0..<8).map(BlockKey.numbered))
    #expect(tier.statistics.namespaces[0].usedBytes == 2000)
    #expect(
      errorCode { try tier.setQuota(of: one, toBytes: -1, evictions: &evictions) }
        == .invalidArgument
    )
    try tier.checkInvariants()
  }

  @Test("when the tier is full, the namespace that uses most of its quota gives way")
  func fairness() throws {
    var tier = try MemoryTier(configuration: .small())
    let large = try tier.openNamespace("large")
    let small = try tier.openNamespace("small")
    for number in 0..<32 { #expect(try tier.store(number, in: large) == []) }
    for number in 0..<64 {
      let evictions = try #require(try tier.store(number, in: small))
      #expect(evictions.map(\.namespace) == [number < 16 ? large : small])
    }
    #expect(tier.statistics.namespaces.map(\.blockCount) == [16, 16])
    try tier.checkInvariants()
  }

  @Test("names and their number are bounded")
  func bounds() throws {
    var configuration = MemoryTierConfiguration.small()
    configuration.namespaceLimit = 2
    var tier = try MemoryTier(configuration: configuration)
    let long = String(repeating: "x", count: 257)
    #expect(errorCode { _ = try tier.openNamespace(long) } == .invalidArgument)
    _ = try tier.openNamespace("a")
    _ = try tier.openNamespace("b")
    #expect(errorCode { _ = try tier.openNamespace("c") } == .resourceExhausted)
    #expect(try tier.openNamespace("a") == NamespaceID(rawValue: 0))
  }

  // MARK: Leases

  private func makeFullTier() throws -> (MemoryTier, NamespaceID) {
    var tier = try MemoryTier(configuration: .small(slabs: 1))
    let tenant = try tier.openNamespace("tenant")
    for number in 0..<16 { #expect(try tier.store(number, in: tenant) == []) }
    return (tier, tenant)
  }

  @Test("a lease keeps a prefix from eviction until it is given back")
  func lease() throws {
    var (tier, tenant) = try makeFullTier()
    let keys = [0, 1, 99, 2].map(BlockKey.numbered)
    let (lease, count) = try tier.pinPrefix(
      of: keys,
      in: tenant,
      untilMilliseconds: 500,
      nowMilliseconds: 0
    )
    #expect(count == 2 && tier.statistics.namespaces[0].pinnedBytes == 8192)
    for number in 100..<114 { #expect(try tier.store(number, in: tenant)?.count == 1) }
    #expect(try tier.has(0, in: tenant) && tier.has(1, in: tenant))
    try tier.checkInvariants()
    let id = try #require(lease)
    #expect(tier.unpin(id, in: NamespaceID(rawValue: 7)) == false, "nobody else's to give back")
    #expect(tier.unpin(id, in: tenant) == true)
    #expect(tier.unpin(id, in: tenant) == false)
    #expect(tier.statistics.namespaces[0].pinnedBytes == 0)
    #expect(try tier.store(200, in: tenant)?.map(\.key) == [.numbered(1)], "the tail first")
    try tier.checkInvariants()
  }

  @Test("a tier full of leases is exhausted until one expires")
  func expiry() throws {
    var (tier, tenant) = try makeFullTier()
    let keys = (0..<16).map(BlockKey.numbered)
    let (_, count) = try tier.pinPrefix(
      of: keys,
      in: tenant,
      untilMilliseconds: 500,
      nowMilliseconds: 0
    )
    #expect(count == 16)
    #expect(try tier.store(50, in: tenant, now: 499) == nil)
    #expect(try tier.store(50, in: tenant, now: 500)?.count == 1)
    #expect(tier.statistics.leaseCount == 0)
    #expect(tier.statistics.counters.expiredLeaseCount == 1)
    try tier.checkInvariants()
  }

  @Test("leases end in the order of their deadlines, which may be moved")
  func extending() throws {
    var (tier, tenant) = try makeFullTier()
    func pin(_ number: Int, until deadline: UInt64) throws -> LeaseID {
      let (lease, _) = try tier.pinPrefix(
        of: [.numbered(number)],
        in: tenant,
        untilMilliseconds: deadline,
        nowMilliseconds: 0
      )
      return try #require(lease)
    }
    let long = try pin(0, until: 900)
    let middle = try pin(1, until: 500)
    _ = try pin(1, until: 300)
    try tier.extend(middle, in: tenant, untilMilliseconds: 800, nowMilliseconds: 10)
    try tier.extend(long, in: tenant, untilMilliseconds: 100, nowMilliseconds: 10)
    #expect(tier.expireLeases(nowMilliseconds: 99) == 0)
    #expect(tier.expireLeases(nowMilliseconds: 100) == 1)
    #expect(tier.statistics.namespaces[0].pinnedBytes == 4096)
    #expect(tier.expireLeases(nowMilliseconds: 799) == 1, "the one that was not extended")
    #expect(tier.statistics.namespaces[0].pinnedBytes == 4096, "still pinned by the other")
    #expect(tier.expireLeases(nowMilliseconds: 800) == 1)
    #expect(tier.statistics.namespaces[0].pinnedBytes == 0)
    #expect(
      errorCode {
        try tier.extend(long, in: tenant, untilMilliseconds: 950, nowMilliseconds: 900)
      } == .notFound
    )
    try tier.checkInvariants()
  }

  @Test("a removed block loses its leases, and the lease may still end")
  func removedUnderLease() throws {
    var (tier, tenant) = try makeFullTier()
    let (lease, _) = try tier.pinPrefix(
      of: [.numbered(0), .numbered(1)],
      in: tenant,
      untilMilliseconds: 5,
      nowMilliseconds: 0
    )
    #expect(tier.remove(tenant, .numbered(0)) != nil)
    #expect(tier.statistics.namespaces[0].pinnedBytes == 4096)
    try tier.checkInvariants()
    #expect(try tier.store(0, in: tenant) == [], "in the room of the removed one")
    #expect(try tier.store(60, in: tenant)?.map(\.key) == [.numbered(2)])
    let id = try #require(lease)
    #expect(tier.unpin(id, in: tenant) == true)
    try tier.checkInvariants()
  }

  @Test("deadlines and the number of leases are bounded")
  func leaseBounds() throws {
    var configuration = MemoryTierConfiguration.small()
    configuration.leaseLimit = 1
    var tier = try MemoryTier(configuration: configuration)
    let tenant = try tier.openNamespace("tenant")
    #expect(try tier.store(0, in: tenant) == [])
    func pin(until deadline: UInt64, now: UInt64) throws -> Int {
      try tier.pinPrefix(
        of: [.numbered(0)],
        in: tenant,
        untilMilliseconds: deadline,
        nowMilliseconds: now
      ).blockCount
    }
    for (deadline, now): (UInt64, UInt64) in [(5, 5), (4, 5), (1006, 5), (.max, 0), (0, .max)] {
      #expect(errorCode { _ = try pin(until: deadline, now: now) } == .invalidArgument)
    }
    #expect(try pin(until: 1000, now: 0) == 1)
    #expect(errorCode { _ = try pin(until: 1000, now: 0) } == .resourceExhausted)
    #expect(try pin(until: 2000, now: 1000) == 1, "the first has expired")
  }

  // MARK: The log

  @Test("a watcher reads evictions in order, and learns how many it missed")
  func log() throws {
    var (tier, tenant) = try makeFullTier()
    #expect(tier.evictionLog.evictions(after: 0, limit: 10).evictions.isEmpty)
    for number in 0..<5 { #expect(tier.remove(tenant, .numbered(number)) != nil) }
    let page = tier.evictionLog.evictions(after: 0, limit: 3)
    #expect(page.evictions.map(\.sequence) == [1, 2, 3] && page.lastSequence == 3)
    let rest = tier.evictionLog.evictions(after: page.lastSequence, limit: 10)
    #expect(rest.evictions.map(\.key) == [.numbered(3), .numbered(4)] && rest.missedCount == 0)
    for number in 5..<16 { #expect(tier.remove(tenant, .numbered(number)) != nil) }
    // Sixteen went, eight are remembered.
    let late = tier.evictionLog.evictions(after: 5, limit: 100)
    #expect(late.missedCount == 3 && late.evictions.map(\.sequence) == Array(9...16))
    let ahead = tier.evictionLog.evictions(after: 1000, limit: 5)
    #expect(ahead.evictions.isEmpty && ahead.lastSequence == 16)
    #expect(tier.evictionLog.evictions(after: 10, limit: 0).lastSequence == 10)
  }
}
