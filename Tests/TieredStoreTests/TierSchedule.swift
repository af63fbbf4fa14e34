import BlockCache
import MeshTypes
import TestSupport
import TieredStore

/// A tier under random use beside a model that keeps plain lists, and takes from the tier only
/// where blocks lie and which of those that may go went.
struct TierSchedule {
  /// A block that takes room.
  private struct Block {
    var namespace: Int
    var number: Int
    var extent: BlockExtent
    var isPublished = false
    /// Readers, or the writer.
    var holds = 1
    var pins = 0
  }

  private struct Lease {
    var id: LeaseID
    var namespace: Int
    var deadline: UInt64
    var blocks: [BlockHandle]
  }

  private static let slabCount = 6
  private static let slabBytes = 1 << 16
  private static let quotas = [5 * slabBytes, 2 * slabBytes, slabBytes / 2]

  private var tier: MemoryTier
  private var random: SeededGenerator
  private let sizes: [Int]
  private var namespaces: [NamespaceID] = []
  private var blocks: [BlockHandle: Block] = [:]
  private var leases: [Lease] = []
  private var now: UInt64 = 1
  /// Rules that the tier broke.
  private(set) var faults: [String] = []
  private(set) var evictionCount = 0
  private(set) var exhaustedCount = 0

  init(seed: UInt64, policy: EvictionPolicyKind, sizes: [Int]) throws {
    random = SeededGenerator(seed: seed)
    self.sizes = sizes
    tier = try MemoryTier(
      configuration: MemoryTierConfiguration(
        capacityBytes: Self.slabCount * Self.slabBytes,
        slabBytes: Self.slabBytes,
        policy: policy,
        longestLeaseMilliseconds: 200
      )
    )
    for (number, quota) in Self.quotas.enumerated() {
      namespaces.append(try tier.openNamespace("tenant \(number)"))
      var evictions: [Eviction] = []
      try tier.setQuota(of: namespaces[number], toBytes: quota, evictions: &evictions)
    }
  }

  // MARK: Events

  mutating func step() throws {
    now += UInt64.random(in: 0...3, using: &random)
    switch Int.random(in: 0..<20, using: &random) {
    case 0..<7: try reserve()
    case 7..<11: finishWriting()
    case 11..<14: try read()
    case 14..<17: finishReading()
    case 17: try pin()
    case 18: unpin()
    default: remove()
    }
    try compare()
  }

  /// Ends everything that goes on; the tier must then be able to give up every block.
  mutating func finish() throws {
    for (handle, block) in sorted where !block.isPublished && block.holds > 0 && isWriting(block) {
      tier.abandon(handle)
      blocks[handle] = nil
    }
    for (handle, block) in sorted {
      for _ in 0..<block.holds { tier.release(handle) }
      blocks[handle]?.holds = 0
      if !block.isPublished { blocks[handle] = nil }
    }
    now += 1000
    tier.expireLeases(nowMilliseconds: now)
    expire()
    try compare()
    let demotions = tier.demote(atLeastBytes: .max)
    expect(demotions.count == blocks.count, "not every block could go")
    for demotion in demotions { tier.release(demotion.extent.handle) }
    expect(tier.statistics.usedBytes == 0 && tier.statistics.slabBytes == 0, "bytes are left")
    try tier.checkInvariants()
  }

  private mutating func reserve() throws {
    let (namespace, number) = randomKey()
    let size = sizes.randomElement(using: &random) ?? 1
    var evictions: [Eviction] = []
    let outcome = try tier.reserve(
      namespaces[namespace],
      .numbered(number),
      byteCount: size,
      nowMilliseconds: now,
      evictions: &evictions
    )
    expire()
    let present = published(namespace, number)
    take(evictions)
    switch outcome {
    case .present(let extent):
      expect(extent == present?.extent, "present, but not that block")
      blocks[extent.handle]?.holds += 1
    case .overQuota:
      expect(size > Self.quotas[namespace], "within the quota")
    case .exhausted:
      exhaustedCount += 1
      expect(present == nil, "exhausted, but present")
      expect(!couldFit(namespace, size), "there was something to give up")
    case .reserved(let extent):
      expect(present == nil && extent.byteCount == size, "a second block of one key")
      blocks[extent.handle] = Block(namespace: namespace, number: number, extent: extent)
      checkPlaces()
    }
  }

  private mutating func finishWriting() {
    guard let (handle, block) = sorted.filter({ isWriting($0.1) }).randomElement(using: &random)
    else { return }
    guard Int.random(in: 0..<8, using: &random) > 0 else {
      tier.abandon(handle)
      blocks[handle] = nil
      return
    }
    let checksum = UInt32(block.number)
    let first = published(block.namespace, block.number)
    switch tier.publish(handle, checksum: checksum) {
    case .published:
      expect(first == nil, "two blocks of one key")
      blocks[handle]?.isPublished = true
      blocks[handle]?.holds = 0
      blocks[handle]?.extent.checksum = checksum
    case .present(let extent):
      expect(extent == first?.extent, "present, but not that block")
      tier.release(extent.handle)
      tier.abandon(handle)
      blocks[handle] = nil
    }
  }

  private mutating func read() throws {
    let (namespace, number) = randomKey()
    let numbers = (number..<number + 4)
    let extents = try tier.acquirePrefix(
      of: numbers.map(BlockKey.numbered),
      in: namespaces[namespace]
    )
    let expected = numbers.map { published(namespace, $0)?.extent }.prefix { $0 != nil }
    expect(extents == expected.compactMap { $0 }, "another prefix")
    for extent in extents { blocks[extent.handle]?.holds += 1 }
  }

  private mutating func finishReading() {
    guard
      let (handle, block) = sorted.filter({ $0.1.holds > 0 && !isWriting($0.1) })
        .randomElement(using: &random)
    else { return }
    tier.release(handle)
    blocks[handle]?.holds -= 1
    if block.holds == 1, !block.isPublished { blocks[handle] = nil }
  }

  private mutating func pin() throws {
    let (namespace, number) = randomKey()
    let deadline = now + UInt64.random(in: 1...200, using: &random)
    let keys = (number..<number + 3).map(BlockKey.numbered)
    let (lease, count) = try tier.pinPrefix(
      of: keys,
      in: namespaces[namespace],
      untilMilliseconds: deadline,
      nowMilliseconds: now
    )
    expire()
    let handles = (number..<number + count).compactMap {
      published(namespace, $0)?.extent.handle
    }
    expect(handles.count == count, "pinned what is not here")
    expect((lease == nil) == handles.isEmpty, "a lease on nothing")
    guard let lease else { return }
    for handle in handles { blocks[handle]?.pins += 1 }
    leases.append(Lease(id: lease, namespace: namespace, deadline: deadline, blocks: handles))
  }

  private mutating func unpin() {
    guard let position = leases.indices.randomElement(using: &random) else { return }
    let lease = leases.remove(at: position)
    let ended = tier.unpin(lease.id, in: namespaces[lease.namespace])
    expect(ended || lease.deadline <= now, "a lease was lost")
    // What the tier knows as expired only when it is told the time, the model does too.
    for handle in lease.blocks where (blocks[handle]?.pins ?? 0) > 0 { blocks[handle]?.pins -= 1 }
  }

  private mutating func remove() {
    let (namespace, number) = randomKey()
    let present = published(namespace, number)
    let eviction = tier.remove(namespaces[namespace], .numbered(number))
    expect((eviction == nil) == (present == nil), "removed \(String(describing: eviction))")
    if let present { withdraw(present.extent.handle) }
  }

  // MARK: The model

  private var sorted: [(BlockHandle, Block)] {
    blocks.sorted { $0.value.extent.offset < $1.value.extent.offset }.map { ($0.key, $0.value) }
  }

  private func isWriting(_ block: Block) -> Bool {
    !block.isPublished && !leaving.contains(block.extent.handle)
  }
  /// Blocks that were removed while somebody read them.
  private var leaving: Set<BlockHandle> = []

  private mutating func randomKey() -> (namespace: Int, number: Int) {
    (Int.random(in: 0..<3, using: &random), Int.random(in: 0..<40, using: &random))
  }

  private func published(_ namespace: Int, _ number: Int) -> Block? {
    blocks.values.first {
      $0.isPublished && $0.namespace == namespace && $0.number == number
    }
  }

  private mutating func withdraw(_ handle: BlockHandle) {
    blocks[handle]?.isPublished = false
    blocks[handle]?.pins = 0
    for lease in leases.indices { leases[lease].blocks.removeAll { $0 == handle } }
    if blocks[handle]?.holds == 0 { blocks[handle] = nil } else { leaving.insert(handle) }
  }

  private mutating func expire() {
    for lease in leases where lease.deadline <= now {
      for handle in lease.blocks { blocks[handle]?.pins -= 1 }
    }
    leases.removeAll { $0.deadline <= now }
  }

  private mutating func take(_ evictions: [Eviction]) {
    evictionCount += evictions.count
    for eviction in evictions {
      let gone = blocks.first {
        $0.value.isPublished && namespaces[$0.value.namespace] == eviction.namespace
          && BlockKey.numbered($0.value.number) == eviction.key
      }
      guard let gone else {
        faults.append("evicted what is not here")
        continue
      }
      expect(gone.value.holds == 0 && gone.value.pins == 0, "evicted what must stay")
      expect(gone.value.extent.byteCount == eviction.byteCount, "another size")
      blocks[gone.key] = nil
    }
  }

  /// Whether giving up unprotected blocks could make room.
  private func couldFit(_ namespace: Int, _ size: Int) -> Bool {
    func isFree(_ block: Block) -> Bool {
      block.isPublished && block.holds == 0 && block.pins == 0
    }
    let kept = blocks.values.filter { $0.namespace == namespace && !isFree($0) }
    let keptBytes = kept.reduce(0) { $0 + $1.extent.byteCount }
    guard keptBytes + size <= Self.quotas[namespace] else { return false }
    let stride = stride(size)
    return (0..<Self.slabCount).contains { slab in
      let inside = blocks.values.filter { $0.extent.offset / Self.slabBytes == slab }
      guard let first = inside.first else { return true }
      if self.stride(first.extent.byteCount) == stride {
        return inside.count < Self.slabBytes / stride || inside.contains(where: isFree)
      }
      return inside.allSatisfy(isFree)
    }
  }

  /// For the sizes used here a stride is the next multiple of 4096.
  private func stride(_ size: Int) -> Int { (size + 4095) / 4096 * 4096 }

  // MARK: Comparing

  private mutating func expect(_ condition: Bool, _ rule: String) {
    if !condition { faults.append(rule) }
  }

  /// No two blocks overlap, and all lie in the arena.
  private mutating func checkPlaces() {
    var end = 0
    for (_, block) in sorted {
      expect(block.extent.offset >= end, "two blocks overlap")
      end = block.extent.offset + block.extent.byteCount
    }
    expect(end <= Self.slabCount * Self.slabBytes, "a block lies outside")
  }

  private mutating func compare() throws {
    leaving.formIntersection(blocks.keys)
    try tier.checkInvariants()
    let statistics = tier.statistics
    expect(
      statistics.usedBytes == blocks.values.reduce(0) { $0 + $1.extent.byteCount },
      "used bytes"
    )
    expect(statistics.blockCount == blocks.values.count { $0.isPublished }, "blocks")
    for (number, namespace) in statistics.namespaces.enumerated() {
      let own = blocks.values.filter { $0.namespace == number }
      expect(
        namespace.usedBytes == own.reduce(0) { $0 + $1.extent.byteCount },
        "a tenant's bytes"
      )
      expect(namespace.usedBytes <= namespace.quotaBytes, "a quota is exceeded")
      expect(
        namespace.pinnedBytes == own.reduce(0) { $0 + ($1.pins > 0 ? $1.extent.byteCount : 0) },
        "pinned bytes"
      )
    }
  }
}
