import ArgumentParser
import Configuration

/// The flags of tokens guessed from a sequence's own text.
struct SpeculationOptions: ParsableArguments {
  @Option(help: "The most tokens guessed in a step; 0: none (WEFT_SPECULATIVE_TOKENS; default 8).")
  var speculativeTokens: Int?

  @Option(
    help: "The most sequences of a worker that guesses (WEFT_SPECULATIVE_SEQUENCES; default 4)."
  )
  var speculativeSequences: Int?

  /// The flags by setting name.
  var flags: [String: ConfigContent?] {
    [
      "speculative-tokens": speculativeTokens.map { .int($0) },
      "speculative-sequences": speculativeSequences.map { .int($0) },
    ]
  }
}
