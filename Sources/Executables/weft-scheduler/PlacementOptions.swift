import ArgumentParser
import Configuration

/// The flags about where sequences run and how much of them at a time.
struct PlacementOptions: ParsableArguments {
  @Option(help: "The most prompt tokens of one sequence in a step (WEFT_MAX_PREFILL_TOKENS; 256).")
  var maxPrefillTokens: Int?

  @Option(help: "The most sequences on one worker (WEFT_MAX_RUNNING_PER_WORKER; what it takes).")
  var maxRunningPerWorker: Int?

  @Option(
    help: "Tokens of growth that admission leaves room for (WEFT_GROWTH_HORIZON_TOKENS; 128)."
  )
  var growthHorizonTokens: Int?

  @Option(help: "The share of blocks that admission leaves free (WEFT_WATERMARK_FRACTION; 0.01).")
  var watermarkFraction: Double?

  @Option(help: "How often a sequence may give way to others (WEFT_MAX_PREEMPTIONS; default 3).")
  var maxPreemptions: Int?

  @Option(
    help: """
      How workers are chosen: cache-aware, least-load or random (WEFT_ROUTING; default cache-aware).
      """
  )
  var routing: String?

  @Option(
    help: """
      Steps for which a sequence waits for a full worker that has its prefix \
      (WEFT_AFFINITY_PATIENCE_STEPS; default 64).
      """
  )
  var affinityPatienceSteps: Int?

  /// The flags by setting name.
  var flags: [String: ConfigContent?] {
    let numbers: [String: ConfigContent?] = [
      "max-prefill-tokens": maxPrefillTokens, "max-running-per-worker": maxRunningPerWorker,
      "growth-horizon-tokens": growthHorizonTokens, "max-preemptions": maxPreemptions,
      "affinity-patience-steps": affinityPatienceSteps,
    ].mapValues { $0.map { ConfigContent.int($0) } }
    let others: [String: ConfigContent?] = [
      "watermark-fraction": watermarkFraction.map { .double($0) },
      "routing": routing.map { .string($0) },
    ]
    return numbers.merging(others) { first, _ in first }
  }
}
