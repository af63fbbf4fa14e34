package import GRPCCore
import MeshProtos

/// Writes a block as `weft.kvstore.v1.GetResponse`. The payload is not copied on its way to the
/// transport of this mesh.
package struct GotBlockSerializer: MessageSerializer {
  package init() {}

  package func serialize<Bytes: GRPCContiguousBytes>(_ block: GotBlock) throws -> Bytes {
    var writer = FieldWriter()
    writer.write(UInt64(block.keyIndex), field: 1)
    // A negative value has ten bytes, as in every protobuf.
    writer.write(UInt64(bitPattern: Int64(block.tier.rawValue)), field: 2)
    writer.writeFixed32(block.checksum, field: 3)
    return writer.finish(payload: block.payload, field: 4)
  }
}

/// Reads `weft.kvstore.v1.GetResponse`. The payload stays in the buffers of this mesh's transport.
///
/// Errors are `invalidArgument` and name the field.
package struct GotBlockDeserializer: MessageDeserializer {
  private static let fields = ["key_index", "tier", "checksum", "payload"]

  package init() {}

  package func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> GotBlock {
    try read(bytes)
  }

  private func read<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws(RPCError) -> GotBlock {
    var reader = FieldReader(bytes, messageName: "GetResponse")
    var block = GotBlock(keyIndex: 0, tier: .unspecified, checksum: 0, payload: BlockBytes())
    while let tag = try reader.nextTag(Self.fields) {
      switch (tag.field, tag.type) {
      case (1, .varint): block.keyIndex = UInt32(truncatingIfNeeded: try reader.varint())
      case (2, .varint): block.tier = Self.tier(try reader.varint())
      case (3, .fixed32): block.checksum = try reader.fixed32()
      case (4, .lengthDelimited): block.payload = try reader.bytes()
      default: try reader.skip(tag)
      }
    }
    return block
  }

  /// Values that this version does not know are kept.
  private static func tier(_ value: UInt64) -> Weft_Kvstore_V1_Tier {
    let value = Int(Int32(truncatingIfNeeded: value))
    return Weft_Kvstore_V1_Tier(rawValue: value) ?? .UNRECOGNIZED(value)
  }
}
