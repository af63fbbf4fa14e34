import ArgumentParser
import Configuration

/// The flags of the engine.
struct EngineOptions: ParsableArguments {
  @Option(help: "Compute threads (WEFT_THREADS; default one for each core).")
  var threads: Int?

  @Option(help: "KV blocks to preallocate (WEFT_KV_BLOCKS; default what fits the memory).")
  var kvBlocks: Int?

  @Option(help: "Memory for KV blocks in MiB (WEFT_KV_MEMORY_MIB; default 1024).")
  var kvMemoryMib: Int?

  @Option(help: "How keys and values stand in memory, f16 or q8 (WEFT_KV_DTYPE; default f16).")
  var kvDtype: String?

  @Option(help: "The most tokens in one step (WEFT_MAX_BATCH_TOKENS; default 512).")
  var maxBatchTokens: Int?

  @Option(help: "The most sequences in one step (WEFT_MAX_BATCH_SEQUENCES; default 64).")
  var maxBatchSequences: Int?

  /// The flags by setting name.
  var flags: [String: ConfigContent?] {
    var flags = [
      "threads": threads, "kv-blocks": kvBlocks, "kv-memory-mib": kvMemoryMib,
      "max-batch-tokens": maxBatchTokens, "max-batch-sequences": maxBatchSequences,
    ].mapValues { $0.map { ConfigContent.int($0) } }
    flags["kv-dtype"] = kvDtype.map { .string($0) }
    return flags
  }
}
