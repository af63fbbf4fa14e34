import ArgumentParser
import Configuration

/// The flags of where weights are kept.
struct WeightsOptions: ParsableArguments {
  @Option(
    help: "Folder of packed weights, or off (WEFT_WEIGHTS_CACHE; default ~/.cache/weft/packed)."
  )
  var weightsCache: String?

  @Option(
    help: """
      Memory for weights in MiB; layers beyond it are read from disk in every step \
      (WEFT_WEIGHTS_MEMORY_MIB; default all in memory).
      """
  )
  var weightsMemoryMib: Int?

  /// The flags by setting name.
  var flags: [String: ConfigContent?] {
    [
      "weights-cache": weightsCache.map { .string($0) },
      "weights-memory-mib": weightsMemoryMib.map { .int($0) },
    ]
  }
}
