import MeshRuntime
import MeshTypes
import Scheduling

extension SchedulerSettings {
  /// Drafts of a slice; measured in docs/decisions/0020.
  private static let defaultDraftTokens = 8

  /// Reads `max-waiting-sequences`, `max-waiting-sequences-per-tenant`, `max-running-per-worker`,
  /// `max-prefill-tokens`, `growth-horizon-tokens`, `watermark-fraction`, `max-preemptions`,
  /// `expected-tokens`, `routing`, `affinity-patience-steps`, `max-worker-losses`, `max-quarantined`,
  /// `speculative-tokens`, `speculative-sequences` and `store-writes`.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting.
  init(_ reader: SettingsReader) async throws(MeshError) {
    self.init()
    maxPrefillTokensPerSequencePerStep = 256
    maxDraftTokens = Self.defaultDraftTokens
    let many = 1_000_000
    try await read("max-waiting-sequences", in: 1...many, to: \.maxWaitingSequences, reader)
    try await read("growth-horizon-tokens", in: 0...many, to: \.growthHorizonTokens, reader)
    try await read("max-preemptions", in: 0...many, to: \.maxPreemptions, reader)
    try await read("expected-tokens", in: 0...many, to: \.expectedTokens, reader)
    try await read("affinity-patience-steps", in: 0...many, to: \.affinityPatienceSteps, reader)
    try await read("max-worker-losses", in: 1...1000, to: \.maxWorkerLosses, reader)
    try await read("max-quarantined", in: 0...many, to: \.maxQuarantined, reader)
    try await read(
      "speculative-tokens",
      in: 0...Self.draftTokensLimit,
      to: \.maxDraftTokens,
      reader
    )
    try await read("speculative-sequences", in: 1...65_536, to: \.maxSpeculatingSequences, reader)
    maxWaitingSequencesPerTenant =
      try await reader.integer("max-waiting-sequences-per-tenant", in: 1...many)
    maxRunningPerWorker = try await reader.integer("max-running-per-worker", in: 1...65_536)
    if let tokens = try await reader.integer("max-prefill-tokens", in: 1...65_536) {
      maxPrefillTokensPerSequencePerStep = tokens
    }
    if let fraction = try await reader.number("watermark-fraction", in: 0...1) {
      watermarkFraction = fraction
    }
    if let routing: Routing = try await reader.choice("routing") { self.routing = routing }
    if let writes: StoreWrites = try await reader.choice("store-writes") { storeWrites = writes }
  }

  private mutating func read(
    _ name: String,
    in range: ClosedRange<Int>,
    to setting: WritableKeyPath<Self, Int>,
    _ reader: SettingsReader
  ) async throws(MeshError) {
    if let value = try await reader.integer(name, in: range) { self[keyPath: setting] = value }
  }
}
