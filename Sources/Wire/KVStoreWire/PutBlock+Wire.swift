import BlockCache
package import GRPCCore

/// Writes a block as `weft.kvstore.v1.PutRequest`. The payload is not copied on its way to the
/// transport of this mesh.
package struct PutBlockSerializer: MessageSerializer {
  package init() {}

  package func serialize<Bytes: GRPCContiguousBytes>(_ block: PutBlock) throws -> Bytes {
    var writer = FieldWriter()
    writer.write(block.namespace.utf8, field: 1)
    writer.write(block.key.bytes, field: 2)
    writer.writeOptionalFixed32(block.checksum, field: 3)
    writer.writeOptional(block.totalBytes, field: 4)
    writer.write(block.offset, field: 5)
    return writer.finish(payload: block.payload, field: 6)
  }
}

/// Reads `weft.kvstore.v1.PutRequest`. The payload stays in the buffers of this mesh's transport.
///
/// Errors are `invalidArgument` and name the field.
package struct PutBlockDeserializer: MessageDeserializer {
  private static let fields = ["namespace", "key", "checksum", "total_bytes", "offset", "payload"]

  package init() {}

  package func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> PutBlock {
    try read(bytes)
  }

  private func read<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws(RPCError) -> PutBlock {
    var reader = FieldReader(bytes, messageName: "PutRequest")
    var namespace = ""
    var key = BlockBytes()
    var checksum: UInt32?
    var totalBytes: UInt64?
    var offset: UInt64 = 0
    var payload = BlockBytes()
    while let tag = try reader.nextTag(Self.fields) {
      switch (tag.field, tag.type) {
      case (1, .lengthDelimited): namespace = try reader.string()
      case (2, .lengthDelimited): key = try reader.bytes()
      case (3, .fixed32): checksum = try reader.fixed32()
      case (4, .varint): totalBytes = try reader.varint()
      case (5, .varint): offset = try reader.varint()
      case (6, .lengthDelimited): payload = try reader.bytes()
      default: try reader.skip(tag)
      }
    }
    return PutBlock(
      namespace: namespace,
      key: try blockKey(key),
      checksum: checksum,
      totalBytes: totalBytes,
      offset: offset,
      payload: payload
    )
  }

  private func blockKey(_ bytes: BlockBytes) throws(RPCError) -> BlockKey {
    guard bytes.byteCount == BlockKey.byteCount, let key = BlockKey(bytes: bytes.array) else {
      throw .malformed(
        "PutRequest",
        field: "key",
        "must have \(BlockKey.byteCount) bytes, got \(bytes.byteCount)"
      )
    }
    return key
  }
}
