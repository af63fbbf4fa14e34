import MeshTypes
import SchedulerService
import Scheduling
import ServiceTesting
import Testing

@Suite("A scheduler's settings")
struct SchedulerServiceSettingsTests {
  private func read(_ flags: [String: String]) async throws -> SchedulerServiceSettings {
    try await SchedulerServiceSettings(try await settings(flags))
  }

  @Test("are the core's own unless they are given, but for prompts' share and guessed tokens")
  func defaults() async throws {
    var expected = SchedulerSettings()
    expected.maxPrefillTokensPerSequencePerStep = 256
    expected.maxDraftTokens = 8
    #expect(try await read([:]).scheduling == expected)
  }

  @Test("are what they are called")
  func given() async throws {
    var expected = SchedulerSettings()
    expected.maxWaitingSequences = 2
    expected.maxWaitingSequencesPerTenant = 3
    expected.maxRunningPerWorker = 4
    expected.maxPrefillTokensPerSequencePerStep = 5
    expected.growthHorizonTokens = 6
    expected.watermarkFraction = 0.5
    expected.maxPreemptions = 7
    expected.expectedTokens = 8
    expected.routing = .leastLoad
    expected.affinityPatienceSteps = 9
    expected.maxWorkerLosses = 10
    expected.maxQuarantined = 11
    expected.maxDraftTokens = 12
    expected.maxSpeculatingSequences = 13
    expected.storeWrites = .preempted
    let read = try await read([
      "max-waiting-sequences": "2", "max-waiting-sequences-per-tenant": "3",
      "max-running-per-worker": "4", "max-prefill-tokens": "5", "growth-horizon-tokens": "6",
      "watermark-fraction": "0.5", "max-preemptions": "7", "expected-tokens": "8",
      "routing": "least-load", "affinity-patience-steps": "9", "max-worker-losses": "10",
      "max-quarantined": "11", "speculative-tokens": "12", "speculative-sequences": "13",
      "store-writes": "preempted",
    ])
    #expect(read.scheduling == expected)
  }

  @Test(
    "name the setting at fault",
    arguments: [
      ("max-waiting-sequences", "0"), ("max-waiting-sequences-per-tenant", "0"),
      ("max-running-per-worker", "65537"), ("max-prefill-tokens", "0"),
      ("growth-horizon-tokens", "-1"), ("watermark-fraction", "1.5"), ("max-preemptions", "-1"),
      ("expected-tokens", "-1"), ("routing", "fastest"), ("affinity-patience-steps", "-1"),
      ("max-worker-losses", "0"), ("max-quarantined", "-1"), ("speculative-tokens", "-1"),
      ("speculative-tokens", "1000000"), ("speculative-sequences", "0"), ("store-writes", "some"),
    ]
  )
  func refused(_ name: String, _ value: String) async throws {
    await #expect { try await read([name: value]) } throws: { ($0 as? MeshError)?.field == name }
  }
}
