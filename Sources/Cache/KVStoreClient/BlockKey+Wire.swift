import BlockCache
import FoundationEssentials

extension [BlockKey] {
  /// The keys one after the other, as the wire has them.
  var wireBytes: Data {
    var bytes = Data(capacity: count * BlockKey.byteCount)
    for key in self { bytes.append(contentsOf: key.bytes) }
    return bytes
  }
}
