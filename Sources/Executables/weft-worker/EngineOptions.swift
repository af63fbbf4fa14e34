import ArgumentParser
import Configuration

/// The flags of the engine.
struct EngineOptions: ParsableArguments {
  @Option(help: "Compute threads (WEFT_THREADS; default one for each CPU that it may use).")
  var threads: Int?

  @Option(help: "Keep threads on CPUs: auto, on or off (WEFT_PIN_THREADS; default auto).")
  var pinThreads: String?

  @Option(help: "KV blocks to preallocate (WEFT_KV_BLOCKS; default what the memory holds).")
  var kvBlocks: Int?

  @Option(help: "Memory for KV blocks in MiB (WEFT_KV_MEMORY_MIB; default what is left, below).")
  var kvMemoryMib: Int?

  @Option(
    help: """
      The share of memory, or of the container's, to fill up with KV blocks \
      (WEFT_MEMORY_UTILIZATION; default 0.9, and 1024 MiB of KV blocks at most).
      """
  )
  var memoryUtilization: Double?

  @Option(help: "How keys and values stand in memory, f16 or q8 (WEFT_KV_DTYPE; default f16).")
  var kvDtype: String?

  @Option(help: "The most tokens in one step (WEFT_MAX_BATCH_TOKENS; default 512).")
  var maxBatchTokens: Int?

  @Option(help: "The most sequences in one step (WEFT_MAX_BATCH_SEQUENCES; default 64).")
  var maxBatchSequences: Int?

  /// The flags by setting name.
  var flags: [String: ConfigContent?] {
    let numbers: [String: ConfigContent?] = [
      "threads": threads, "kv-blocks": kvBlocks, "kv-memory-mib": kvMemoryMib,
      "max-batch-tokens": maxBatchTokens, "max-batch-sequences": maxBatchSequences,
    ].mapValues { $0.map { ConfigContent.int($0) } }
    let others: [String: ConfigContent?] = [
      "kv-dtype": kvDtype.map { .string($0) }, "pin-threads": pinThreads.map { .string($0) },
      "memory-utilization": memoryUtilization.map { .double($0) },
    ]
    return numbers.merging(others) { first, _ in first }
  }
}
