import BlockCache
import MeshProtos
import MeshTypes
import SwiftProtobuf

/// A load as a plan asks for it, checked.
struct BlockLoad: Sendable {
  let id: UInt64
  let namespace: String
  let blocks: [BlockID]
  let keys: [BlockKey]
  let timeout: Duration

  /// - Throws: ``MeshError`` `invalidArgument` naming the field.
  init(_ message: Weft_Worker_V1_BlockLoad, blockCount: Int) throws(MeshError) {
    guard message.load > 0 else { throw .invalid("loads.load", "must be above 0") }
    guard message.timeoutMilliseconds > 0 else {
      throw .invalid("loads.timeout_milliseconds", "must be at least 1")
    }
    id = message.load
    namespace = message.namespace
    blocks = message.blocks.map { BlockID($0) }
    keys = try BlockKey.list(message.keys, of: message.blocks, blockCount: blockCount, "loads")
    timeout = .milliseconds(Int(message.timeoutMilliseconds))
  }
}

/// A store as a plan asks for it, checked.
struct BlockStore: Sendable {
  let number: UInt64
  let namespace: String
  let blocks: [BlockID]
  let keys: [BlockKey]

  /// - Throws: ``MeshError`` `invalidArgument` naming the field.
  init(_ message: Weft_Worker_V1_BlockStore, blockCount: Int) throws(MeshError) {
    number = message.store
    namespace = message.namespace
    blocks = message.blocks.map { BlockID($0) }
    keys = try BlockKey.list(message.keys, of: message.blocks, blockCount: blockCount, "stores")
  }
}

extension BlockKey {
  /// One key for each of `blocks`, which must be different blocks of the worker.
  fileprivate static func list(
    _ bytes: some Collection<UInt8>,
    of blocks: [UInt32],
    blockCount: Int,
    _ field: String
  ) throws(MeshError) -> [BlockKey] {
    guard !blocks.isEmpty, Set(blocks).count == blocks.count,
      blocks.allSatisfy({ Int($0) < blockCount })
    else {
      throw .invalid(
        "\(field).blocks",
        "must be different blocks below \(blockCount), at least one"
      )
    }
    guard bytes.count == blocks.count * byteCount else {
      throw .invalid(
        "\(field).keys",
        "must have \(blocks.count * byteCount) bytes for \(blocks.count) blocks, got \(bytes.count)"
      )
    }
    var keys: [BlockKey] = []
    var rest = bytes[...]
    while let key = BlockKey(bytes: rest.prefix(byteCount)) {
      keys.append(key)
      rest = rest.dropFirst(byteCount)
    }
    return keys
  }
}
