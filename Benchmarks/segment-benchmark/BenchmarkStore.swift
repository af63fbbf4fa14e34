import ArgumentParser
import BlockCache
import MeshTypes
import SegmentStore

/// The store that is measured: numbered blocks of one length in a directory.
struct BenchmarkStore: ParsableArguments {
  @Argument(help: "A directory for the segments, on the disk to be measured.")
  var directory: String

  @Option(help: "Bytes of a block; the default model's if not given.")
  var blockBytes = 368_640

  @Option(help: "Bytes of a segment.")
  var segmentBytes = 128 << 20

  /// Opens the store, which never evicts.
  func open(
    reading: SegmentDirectory.Reading = .automatic,
    compression: Compression = .none
  ) throws -> SegmentStore {
    try SegmentStore(
      settings: SegmentStoreSettings(
        capacityBytes: 1 << 40,
        segmentBytes: segmentBytes,
        maximumPayloadBytes: max(blockBytes, 1 << 20),
        admission: .writeThrough,
        compression: compression
      ),
      device: SegmentDirectory(path: directory, reading: reading)
    )
  }

  /// The key of a numbered block.
  static func key(_ number: Int) -> BlockKey {
    let root = BlockKey.root(
      modelDigest: [],
      numericsID: "",
      layout: "",
      blockSizeTokens: 16
    )
    return root.child(of: [TokenID(number)])
  }
}
