import TestSupport
import Testing
import TieredStore

@Suite("Eviction policies")
struct EvictionPolicyTests {
  /// Slots 0, 1, … inserted in this order, of one byte each unless told otherwise.
  private func filled<Policy: EvictionPolicy>(
    _ policy: Policy,
    _ count: Int,
    byteCount: Int = 1
  ) -> Policy {
    var policy = policy
    for slot in 0..<count {
      policy.insert(slot, byteCount: byteCount, fingerprint: UInt64(slot))
    }
    return policy
  }

  /// Evicts everything that can go, and says in which order.
  private func evictAll<Policy: EvictionPolicy>(_ policy: inout Policy) -> [Int] {
    var order: [Int] = []
    while let victim = policy.nextVictim() {
      policy.evict(victim)
      order.append(victim)
    }
    return order
  }

  // MARK: Every policy

  @Test(
    "what nobody used goes in the order in which it came",
    arguments: EvictionPolicyKind.allCases
  )
  func arrival(_ kind: EvictionPolicyKind) throws {
    var policy = kind.makePolicy()
    for slot in [3, 0, 2, 1] { policy.insert(slot, byteCount: 10, fingerprint: UInt64(slot)) }
    #expect(policy.totalBytes == 40)
    var order: [Int] = []
    while let victim = policy.nextVictim() {
      #expect(policy.nextVictim() == victim, "asking does not change the answer")
      policy.evict(victim)
      order.append(victim)
    }
    #expect(order == [3, 0, 2, 1])
    #expect(policy.count == 0 && policy.totalBytes == 0)
  }

  @Test(
    "a pinned slot is never a victim, and can be one again",
    arguments: EvictionPolicyKind.allCases
  )
  func pinned(_ kind: EvictionPolicyKind) throws {
    var policy = kind.makePolicy()
    for slot in 0..<4 { policy.insert(slot, byteCount: 1, fingerprint: UInt64(slot)) }
    for slot in [0, 1, 3] { policy.pin(slot) }
    #expect(policy.evictableCount == 1)
    #expect(policy.nextVictim() == 2)
    policy.evict(2)
    #expect(policy.nextVictim() == nil, "everything left is pinned")
    policy.hit(3)
    policy.unpin(3)
    #expect(policy.nextVictim() == 3)
    policy.remove(0)
    policy.unpin(1)
    policy.evict(3)
    #expect(policy.nextVictim() == 1)
    try policy.checkInvariants()
  }

  @Test(
    "a slot that was removed may come back for another entry",
    arguments: EvictionPolicyKind.allCases
  )
  func reused(_ kind: EvictionPolicyKind) throws {
    var policy = kind.makePolicy()
    policy.insert(7, byteCount: 5, fingerprint: 1)
    policy.hit(7)
    policy.pin(7)
    policy.remove(7)
    policy.insert(7, byteCount: 6, fingerprint: 2)
    #expect(policy.count == 1 && policy.totalBytes == 6 && policy.evictableCount == 1)
    #expect(policy.nextVictim() == 7)
    try policy.checkInvariants()
  }

  // MARK: LRU

  @Test("LRU: a use makes a slot the last to go")
  func leastRecentlyUsed() {
    var policy = filled(LRUPolicy(), 4)
    policy.hit(0)
    policy.hit(2)
    #expect(evictAll(&policy) == [1, 3, 0, 2])
  }

  // MARK: SIEVE

  @Test("SIEVE: the hand passes used slots once, and stays where it took one")
  func sieve() {
    var policy = filled(SIEVEPolicy(), 5)
    policy.hit(0)
    policy.hit(2)
    #expect(policy.nextVictim() == 1)
    policy.evict(1)
    // 0 lies behind the hand; 2 had its bit; 3 is next.
    #expect(policy.nextVictim() == 3)
    policy.evict(3)
    policy.insert(5, byteCount: 1, fingerprint: 5)
    #expect(evictAll(&policy) == [4, 5, 0, 2])
  }

  @Test("SIEVE: the hand comes round to the oldest")
  func sieveWraps() {
    var policy = filled(SIEVEPolicy(), 3)
    for slot in 0..<3 { policy.hit(slot) }
    #expect(policy.nextVictim() == 0)
  }

  // MARK: S3-FIFO

  @Test("S3-FIFO: two uses in the small queue are needed to stay")
  func promotion() {
    var policy = filled(S3FIFOPolicy(), 4)
    policy.hit(0)
    policy.hit(0)
    policy.hit(1)
    #expect(evictAll(&policy) == [1, 2, 3, 0])
    var eager = filled(S3FIFOPolicy(usesToStay: 1), 4)
    eager.hit(0)
    eager.hit(0)
    eager.hit(1)
    #expect(evictAll(&eager) == [2, 3, 0, 1])
  }

  @Test("S3-FIFO: who comes back soon goes to the main queue, which a scan does not touch")
  func ghosts() {
    var policy = filled(S3FIFOPolicy(), 20)
    for slot in 0..<5 {
      #expect(policy.nextVictim() == slot)
      policy.evict(slot)
      #expect(policy.ghostCount == slot + 1)
    }
    for slot in 0..<5 { policy.insert(slot, byteCount: 1, fingerprint: UInt64(slot)) }
    #expect(policy.ghostCount == 0)
    // New slots, each of which drives one out: never one of those that came back.
    for slot in 20..<200 {
      let victim = policy.nextVictim()
      #expect(victim.map { $0 >= 5 } == true)
      if let victim { policy.evict(victim) }
      policy.insert(slot, byteCount: 1, fingerprint: UInt64(slot))
    }
  }

  @Test("S3-FIFO: the main queue gives way while the small one has less than a tenth")
  func shares() {
    var policy = S3FIFOPolicy()
    for slot in 0..<20 { policy.insert(slot, byteCount: 1, fingerprint: UInt64(slot)) }
    for slot in 0..<20 {
      policy.hit(slot)
      policy.hit(slot)
    }
    // All used twice: 19 of them move over before the small queue has less than a tenth, when the
    // oldest of the main queue is the victim.
    #expect(policy.nextVictim() == 0)
  }

  @Test("S3-FIFO: ghosts are remembered for nine tenths of the bytes")
  func ghostLimit() throws {
    var policy = filled(S3FIFOPolicy(), 100, byteCount: 7)
    for slot in 100..<1000 {
      let next = policy.nextVictim()
      let victim = try #require(next)
      policy.evict(victim)
      policy.insert(slot, byteCount: 7, fingerprint: UInt64(slot))
    }
    #expect(policy.ghostCount == 90)
    try policy.checkInvariants()
  }

  // MARK: Against the naive models

  @Test("LRU does as its naive model does", arguments: 0..<40)
  func naiveLRU(_ seed: UInt64) throws { try compare(LRUPolicy(), NaiveLRU(), seed) }

  @Test("SIEVE does as its naive model does", arguments: 0..<40)
  func naiveSIEVE(_ seed: UInt64) throws { try compare(SIEVEPolicy(), NaiveSIEVE(), seed) }

  @Test("S3-FIFO does as its naive model does", arguments: 0..<40)
  func naiveS3FIFO(_ seed: UInt64) throws { try compare(S3FIFOPolicy(), NaiveS3FIFO(), seed) }

  /// A random schedule of 1500 events over at most 24 slots; the seed is the test's argument.
  private func compare(
    _ policy: some EvictionPolicy,
    _ model: some NaivePolicy,
    _ seed: UInt64
  ) throws {
    var policy = policy
    var model = model
    var random = SeededGenerator(seed: seed)
    var sizes: [Int: Int] = [:]
    var owners: [Int: UInt64] = [:]
    var pinned: Set<Int> = []
    var victimCount = 0
    func forget(_ slot: Int) {
      sizes[slot] = nil
      owners[slot] = nil
      pinned.remove(slot)
    }
    for step in 0..<1500 {
      let present = sizes.keys.sorted()
      let slot = Int.random(in: 0..<24, using: &random)
      let isPresent = sizes[slot] != nil
      switch Int.random(in: 0..<20, using: &random) {
      case 0..<6 where !isPresent:
        let owner = UInt64.random(in: 0..<60, using: &random)
        guard !owners.values.contains(owner) else { continue }
        sizes[slot] = Int.random(in: 1...9, using: &random)
        owners[slot] = owner
        policy.insert(slot, byteCount: sizes[slot] ?? 0, fingerprint: owner)
        model.insert(slot, byteCount: sizes[slot] ?? 0, fingerprint: owner)
      case 6..<12 where isPresent:
        policy.hit(slot)
        model.hit(slot)
      case 12 where isPresent:
        policy.remove(slot)
        model.remove(slot)
        forget(slot)
      case 13..<15 where isPresent && !pinned.contains(slot):
        pinned.insert(slot)
        policy.pin(slot)
        model.pin(slot)
      case 15..<17 where pinned.contains(slot):
        pinned.remove(slot)
        policy.unpin(slot)
        model.unpin(slot)
      case 17..<20:
        let victim = policy.nextVictim()
        #expect(victim == model.nextVictim(), "seed \(seed), step \(step)")
        #expect((victim == nil) == (present.count == pinned.count), "seed \(seed), step \(step)")
        guard let victim else { continue }
        try #require(!pinned.contains(victim), "seed \(seed), step \(step)")
        victimCount += 1
        policy.evict(victim)
        model.evict(victim)
        forget(victim)
      default: continue
      }
      #expect(policy.count == sizes.count && policy.totalBytes == sizes.values.reduce(0, +))
      #expect(policy.evictableCount == sizes.count - pinned.count)
      try policy.checkInvariants()
    }
    #expect(victimCount > 50, "seed \(seed)")
  }
}
