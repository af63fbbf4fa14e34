import MeshRuntime
import MeshTypes
package import SegmentStore

/// When blocks are written to disk.
package enum DiskWritePolicy: String, CaseIterable, Sendable {
  /// As soon as they are stored: who stores more than the disk takes has to wait.
  case writeThrough = "write-through"
  /// When they are stored or read for the second time: blocks used once wear no flash.
  case secondHit = "second-hit"
  /// When they are about to leave memory.
  case writeBack = "write-back"
}

/// How blocks are read from disk.
package enum DiskReading: String, CaseIterable, Sendable {
  /// Through io_uring where the kernel has it.
  case automatic = "auto"
  case ring = "io-uring"
  /// One block at a time on each of some threads.
  case threads = "pread"

  var ofDirectory: SegmentDirectory.Reading {
    switch self {
    case .automatic: .automatic
    case .ring: .ring
    case .threads: .blocking
    }
  }
}

/// The settings of the SSD tier.
package struct DiskSettings: Sendable {
  /// The directory of the segments, which nobody else uses.
  package var directory: String
  /// What the tier may use.
  package var segments: SegmentStoreSettings
  /// When blocks are written.
  package var writes: DiskWritePolicy
  /// How blocks are read.
  package var reading: DiskReading
  /// Bytes a second that are read at most; nil for no limit.
  package var readLimit: Int?

  /// Reads `directory`, `disk-mib`, `segment-mib`, `disk-writes`, `disk-io`, `disk-compression` and
  /// `disk-read-mbps`.
  ///
  /// - Returns: nil if no directory is set.
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting.
  init?(_ reader: SettingsReader, maxBlockBytes: Int) async throws(MeshError) {
    let directory = try await reader.text("directory")
    let diskBytes = (try await reader.integer("disk-mib", in: 3...1 << 30) ?? 16_384) << 20
    let segmentBytes = (try await reader.integer("segment-mib", in: 1...1024) ?? 128) << 20
    writes = try await reader.choice("disk-writes") ?? .secondHit
    reading = try await reader.choice("disk-io") ?? .automatic
    let compression = try await Self.compression(reader)
    readLimit = try await reader.integer("disk-read-mbps", in: 1...1_000_000)
      .map { $0 * 1_000_000 }
    guard let directory else { return nil }
    guard !directory.isEmpty else { throw .invalid("directory", "must not be empty") }
    guard diskBytes >= 3 * segmentBytes else {
      throw .invalid(
        "disk-mib",
        "must be at least three segments, \(3 * segmentBytes >> 20), got \(diskBytes >> 20)"
      )
    }
    guard segmentBytes >= 2 * maxBlockBytes else {
      throw .invalid(
        "segment-mib",
        "must hold two blocks of max-block-bytes = \(maxBlockBytes), got \(segmentBytes >> 20)"
      )
    }
    self.directory = directory
    segments = SegmentStoreSettings(
      capacityBytes: diskBytes,
      segmentBytes: segmentBytes,
      maximumPayloadBytes: maxBlockBytes,
      admission: writes == .secondHit ? .secondHit : .writeThrough,
      compression: compression
    )
  }

  private static func compression(_ reader: SettingsReader) async throws(MeshError) -> Compression {
    guard let text = try await reader.text("disk-compression") else { return .none }
    guard let compression = Compression(parsing: text) else {
      throw .invalid(
        "disk-compression",
        "must be none, zstd-1, zstd-2, zstd-3 or zstd-planes-1...3, got \"\(text.prefix(100))\""
      )
    }
    return compression
  }
}
