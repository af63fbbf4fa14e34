import ArgumentParser
import Configuration

/// The flags about who waits and who goes first.
struct QueueOptions: ParsableArguments {
  @Option(help: "The most sequences that wait (WEFT_MAX_WAITING_SEQUENCES; default 1024).")
  var maxWaitingSequences: Int?

  @Option(
    help: """
      The most sequences of one tenant that wait (WEFT_MAX_WAITING_SEQUENCES_PER_TENANT; default \
      all); requests without a salt are one tenant's.
      """
  )
  var maxWaitingSequencesPerTenant: Int?

  @Option(
    help: """
      How many tokens a request is charged with, before it is known, against its tenant's share \
      (WEFT_EXPECTED_TOKENS; default 128).
      """
  )
  var expectedTokens: Int?

  @Option(
    help: """
      How many workers may die while computing a request before it is taken to be the cause \
      (WEFT_MAX_WORKER_LOSSES; default 2).
      """
  )
  var maxWorkerLosses: Int?

  @Option(help: "How many such requests are remembered (WEFT_MAX_QUARANTINED; default 256).")
  var maxQuarantined: Int?

  /// The flags by setting name.
  var flags: [String: ConfigContent?] {
    [
      "max-waiting-sequences": maxWaitingSequences,
      "max-waiting-sequences-per-tenant": maxWaitingSequencesPerTenant,
      "expected-tokens": expectedTokens, "max-worker-losses": maxWorkerLosses,
      "max-quarantined": maxQuarantined,
    ].mapValues { $0.map { ConfigContent.int($0) } }
  }
}
