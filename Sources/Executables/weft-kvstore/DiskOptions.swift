import ArgumentParser
import Configuration

/// The flags of the SSD tier.
struct DiskOptions: ParsableArguments {
  @Option(help: "Where segments are kept (WEFT_DIRECTORY; default: nothing is kept on disk).")
  var directory: String?

  @Option(help: "Disk for segments, in MiB (WEFT_DISK_MIB; default 16384).")
  var diskMib: Int?

  @Option(help: "Size of a segment, in MiB (WEFT_SEGMENT_MIB; default 128).")
  var segmentMib: Int?

  @Option(help: "write-through, second-hit or write-back (WEFT_DISK_WRITES; default second-hit).")
  var diskWrites: String?

  @Option(help: "How to read: auto, io-uring or pread (WEFT_DISK_IO; default auto).")
  var diskIo: String?

  @Option(help: "none, zstd-1, zstd-2 or zstd-3 (WEFT_DISK_COMPRESSION; default none).")
  var diskCompression: String?

  @Option(help: "At most so many MB/s from disk (WEFT_DISK_READ_MBPS; no limit).")
  var diskReadMbps: Int?

  /// By setting name.
  var flags: [String: ConfigContent?] {
    [
      "directory": directory.map { .string($0) },
      "disk-mib": diskMib.map { .int($0) },
      "segment-mib": segmentMib.map { .int($0) },
      "disk-writes": diskWrites.map { .string($0) },
      "disk-io": diskIo.map { .string($0) },
      "disk-compression": diskCompression.map { .string($0) },
      "disk-read-mbps": diskReadMbps.map { .int($0) },
    ]
  }
}
