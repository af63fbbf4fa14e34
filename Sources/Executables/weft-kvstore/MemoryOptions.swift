import ArgumentParser
import Configuration

/// The flags of the DRAM tier.
struct MemoryOptions: ParsableArguments {
  @Option(help: "Memory for blocks, in MiB (WEFT_MEMORY_MIB; default 1024).")
  var memoryMib: Int?

  @Option(help: "Bytes of a slab of equally large blocks (WEFT_SLAB_BYTES; default 16 MiB).")
  var slabBytes: Int?

  @Option(help: "s3-fifo, sieve or lru (WEFT_EVICTION_POLICY; default s3-fifo).")
  var evictionPolicy: String?

  @Option(help: "Quota of namespaces given none, in MiB (WEFT_NAMESPACE_QUOTA_MIB; no limit).")
  var namespaceQuotaMib: Int?

  @Option(help: "The longest block (WEFT_MAX_BLOCK_BYTES; default 4 MiB).")
  var maxBlockBytes: Int?

  @Option(help: "At most so many MB/s to readers (WEFT_MEMORY_READ_MBPS; no limit).")
  var memoryReadMbps: Int?

  /// By setting name.
  var flags: [String: ConfigContent?] {
    [
      "memory-mib": memoryMib.map { .int($0) },
      "slab-bytes": slabBytes.map { .int($0) },
      "eviction-policy": evictionPolicy.map { .string($0) },
      "namespace-quota-mib": namespaceQuotaMib.map { .int($0) },
      "max-block-bytes": maxBlockBytes.map { .int($0) },
      "memory-read-mbps": memoryReadMbps.map { .int($0) },
    ]
  }
}
