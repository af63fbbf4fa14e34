package import MeshTypes

/// What an operator may choose about scheduling.
package struct SchedulerSettings: Hashable, Sendable {
  /// The most sequences that wait for a place; one more is refused with `resourceExhausted`.
  /// Preempted sequences and those of a lost worker come back whatever the bound.
  package var maxWaitingSequences = 1024
  /// The most sequences of one tenant that wait, likewise; nil leaves it to
  /// ``maxWaitingSequences``. Requests without a salt are one tenant's.
  package var maxWaitingSequencesPerTenant: Int?
  /// The most sequences that run on one worker; nil leaves it to what the worker offers.
  package var maxRunningPerWorker: Int?
  /// The most prompt tokens that one sequence computes in one step, so that a long prompt leaves
  /// budget to others; nil sets no other bound than the step's budget.
  package var maxPrefillTokensPerSequencePerStep: Int?
  /// The most plans of one worker without a result: 2 hides the way of plan and result.
  package var maxPlansInFlight = 2
  /// The share of a worker's blocks that stays free when a sequence is admitted, for those that
  /// run to grow into; an idle worker ignores it. In 0...1.
  package var watermarkFraction = 0.01
  /// How many tokens each running sequence is expected to produce soon (fewer if fewer are left):
  /// the blocks for them stay free too when a sequence is admitted. 0 packs most tightly, and
  /// recomputes most when the guess was wrong.
  package var growthHorizonTokens = 128
  /// How often a sequence may give way to others. After that it is admitted only where all blocks that
  /// it can ever need are free, takes them at once, and stays to its end.
  package var maxPreemptions = 3
  /// How many workers a sequence may lose at about the same positions before it is taken to be the
  /// cause and fails.
  package var maxWorkerLosses = 2
  /// How many such requests are remembered, and refused when they come again.
  package var maxQuarantined = 256
  /// How many produced tokens a sequence is charged with, when it comes, against its tenant's share;
  /// what it was is settled when it ends.
  package var expectedTokens = 128
  /// How many waiting sequences are looked at past those that cannot be placed at the moment.
  package var dispatchLookahead = 64
  /// In the cost of a worker, how many more decoded tokens a new sequence is expected to bring at
  /// most, each of which waits for every other sequence there.
  package var decodeHorizonTokens = 64
  /// How a worker is chosen among those that have room.
  package var routing = Routing.leastCost
  /// For how many steps of a worker a sequence lets others pass, while the workers that have its
  /// prefix have no room; 0 for none.
  package var affinityPatienceSteps = 64
  /// The most drafts (tokens guessed from the sequence's own text) that a slice may verify; 0 for none.
  package var maxDraftTokens = 0
  /// The most sequences that a worker runs while any of them may have drafts: with more of them a step
  /// costs more for each draft, and a draft is worth less.
  package var maxSpeculatingSequences = 4
  /// Whether a sequence waits while another one on its worker computes the very prefix that it
  /// would otherwise compute too.
  package var awaitsSharedPrefixes = true
  /// Whether a sequence copies what another one on its worker has computed of a block that neither has
  /// filled yet.
  package var copiesSharedTails = true

  /// Whether there is a KV store to ask.
  package var usesStore = false
  /// Which blocks go to the KV store.
  package var storeWrites = StoreWrites.all
  /// The most loads of one worker at a time.
  package var maxLoadsPerWorker = 8
  /// The longest that a load may take before what is missing is recomputed.
  package var maxLoadMilliseconds = 5000
  /// After how many steps of all workers the KV store is asked again about a sequence that waits.
  package var storeAnswerLifetimeSteps: UInt64 = 64

  /// How a worker is chosen among those that have room. All but the first are there to be compared
  /// with it.
  package enum Routing: String, Hashable, Sendable, CaseIterable {
    /// By what is left to compute after prefix hits, what is queued, and who decodes there.
    case leastCost = "cache-aware"
    /// The same as if nobody had cached anything.
    case leastLoad = "least-load"
    /// By chance among all, whoever has room.
    case random
  }

  /// Which blocks go to the KV store.
  package enum StoreWrites: String, Hashable, Sendable, CaseIterable {
    /// Every full block, as soon as it is computed.
    case all
    /// Those of sequences that give way to others, if fetching them later is expected to pay.
    case preempted
    /// None: the store is only read.
    case none
  }

  /// The largest ``maxDraftTokens``.
  package static let draftTokensLimit = 32

  /// The defaults.
  package init() {}

  /// - Throws: ``MeshError`` `invalidArgument` naming the setting and its allowed range.
  package func validate() throws(MeshError) {
    try Self.expect(maxWaitingSequences, in: 1...1_000_000, "max_waiting_sequences")
    try Self.expect(
      maxWaitingSequencesPerTenant ?? 1,
      in: 1...1_000_000,
      "max_waiting_sequences_per_tenant"
    )
    try Self.expect(maxRunningPerWorker ?? 1, in: 1...65_536, "max_running_per_worker")
    try Self.expect(
      maxPrefillTokensPerSequencePerStep ?? 1,
      in: 1...Int(Int32.max),
      "max_prefill_tokens_per_sequence_per_step"
    )
    try Self.expect(maxPlansInFlight, in: 1...8, "max_plans_in_flight")
    try Self.expect(maxPreemptions, in: 0...1_000_000, "max_preemptions")
    try Self.expect(maxWorkerLosses, in: 1...1000, "max_worker_losses")
    try Self.expect(maxQuarantined, in: 0...1_000_000, "max_quarantined")
    try Self.expect(expectedTokens, in: 0...1_000_000, "expected_tokens")
    try Self.expect(maxDraftTokens, in: 0...Self.draftTokensLimit, "max_draft_tokens")
    try Self.expect(maxSpeculatingSequences, in: 1...65_536, "max_speculating_sequences")
    try Self.expect(affinityPatienceSteps, in: 0...1_000_000, "affinity_patience_steps")
    try Self.expect(dispatchLookahead, in: 1...1_000_000, "dispatch_lookahead")
    try Self.expect(growthHorizonTokens, in: 0...1_000_000, "growth_horizon_tokens")
    guard storeAnswerLifetimeSteps >= 1 else {
      throw .invalid("store_answer_lifetime_steps", "must be at least 1")
    }
    try Self.expect(maxLoadsPerWorker, in: 1...1024, "max_loads_per_worker")
    try Self.expect(maxLoadMilliseconds, in: 1...600_000, "max_load_milliseconds")
    try Self.expect(decodeHorizonTokens, in: 0...1_000_000, "decode_horizon_tokens")
    guard watermarkFraction >= 0, watermarkFraction <= 1 else {
      throw .invalid("watermark_fraction", "must be in 0...1, got \(watermarkFraction)")
    }
  }

  static func expect(_ value: Int, in range: ClosedRange<Int>, _ name: String) throws(MeshError) {
    guard range.contains(value) else {
      throw .invalid(name, "must be in \(range.lowerBound)...\(range.upperBound), got \(value)")
    }
  }
}
