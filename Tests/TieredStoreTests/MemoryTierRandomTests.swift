import BlockCache
import MeshTypes
import Testing
import TieredStore

@Suite("Memory tier against a naive model")
struct MemoryTierRandomTests {
  @Test("random schedules: one size", arguments: 0..<12, EvictionPolicyKind.allCases)
  func oneSize(_ seed: UInt64, _ policy: EvictionPolicyKind) throws {
    try run(seed, policy, sizes: [4096])
  }

  @Test("random schedules: many sizes", arguments: 100..<112, EvictionPolicyKind.allCases)
  func manySizes(_ seed: UInt64, _ policy: EvictionPolicyKind) throws {
    try run(seed, policy, sizes: [1, 4000, 9000, 20_000, 65_536])
  }

  /// 1200 random events; the seed is the test's argument.
  private func run(_ seed: UInt64, _ policy: EvictionPolicyKind, sizes: [Int]) throws {
    var schedule = try TierSchedule(seed: seed, policy: policy, sizes: sizes)
    for step in 0..<1200 {
      try schedule.step()
      guard schedule.faults.isEmpty else {
        Issue.record("seed \(seed), step \(step): \(schedule.faults)")
        return
      }
    }
    try schedule.finish()
    #expect(schedule.faults == [], "seed \(seed), at the end")
    #expect(schedule.evictionCount > 30 && schedule.exhaustedCount > 0, "seed \(seed)")
  }
}
