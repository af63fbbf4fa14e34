import BlockCache
import FoundationEssentials
import MeshTypes

extension [BlockKey] {
  /// The most keys in a request.
  static var mostInRequest: Int { 1 << 16 }

  /// Reads keys that stand one after the other.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming `field` for no key, a part of one, or more
  ///   than `limit`.
  init(
    _ bytes: Data,
    field: String,
    limit: Int = mostInRequest
  ) throws(MeshError) {
    guard bytes.count % BlockKey.byteCount == 0, !bytes.isEmpty else {
      throw .invalid(
        field,
        "must have a multiple of \(BlockKey.byteCount) bytes and at least one key, "
          + "got \(bytes.count) bytes"
      )
    }
    let count = bytes.count / BlockKey.byteCount
    guard count <= limit else {
      throw .invalid(field, "must have at most \(Self.mostInRequest) keys in all")
    }
    let span = bytes.bytes
    self = (0..<count).map { BlockKey(from: span, at: $0 * BlockKey.byteCount) }
  }
}
