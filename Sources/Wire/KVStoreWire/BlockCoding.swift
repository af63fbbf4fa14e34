import BlockCache
import FoundationEssentials
package import GRPCCore
import MeshProtos
import SwiftProtobuf

/// Writes a block as `weft.kvstore.v1.PutRequest`.
package struct PutBlockSerializer: MessageSerializer {
  package init() {}

  package func serialize<Bytes: GRPCContiguousBytes>(_ block: PutBlock) throws -> Bytes {
    let message = Weft_Kvstore_V1_PutRequest.with {
      $0.namespace = block.namespace
      $0.key = Data(block.key.bytes)
      if let checksum = block.checksum { $0.checksum = checksum }
      if let totalBytes = block.totalBytes { $0.totalBytes = totalBytes }
      $0.offset = block.offset
      $0.payload = Data(block.payload.array)
    }
    return Bytes(try message.serializedBytes() as [UInt8])
  }
}

/// Reads `weft.kvstore.v1.PutRequest`.
package struct PutBlockDeserializer: MessageDeserializer {
  package init() {}

  package func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> PutBlock {
    let message = try bytes.withUnsafeBytes {
      try Weft_Kvstore_V1_PutRequest(serializedBytes: Array($0))
    }
    guard let key = BlockKey(bytes: message.key) else {
      throw RPCError(
        code: .invalidArgument,
        message: "key must have \(BlockKey.byteCount) bytes, got \(message.key.count)"
      )
    }
    return PutBlock(
      namespace: message.namespace,
      key: key,
      checksum: message.hasChecksum ? message.checksum : nil,
      totalBytes: message.hasTotalBytes ? message.totalBytes : nil,
      offset: message.offset,
      payload: BlockBytes(copying: message.payload.bytes)
    )
  }
}

/// Writes a block as `weft.kvstore.v1.GetResponse`.
package struct GotBlockSerializer: MessageSerializer {
  package init() {}

  package func serialize<Bytes: GRPCContiguousBytes>(_ block: GotBlock) throws -> Bytes {
    let message = Weft_Kvstore_V1_GetResponse.with {
      $0.keyIndex = block.keyIndex
      $0.tier = block.tier
      $0.checksum = block.checksum
      $0.payload = Data(block.payload.array)
    }
    return Bytes(try message.serializedBytes() as [UInt8])
  }
}

/// Reads `weft.kvstore.v1.GetResponse`.
package struct GotBlockDeserializer: MessageDeserializer {
  package init() {}

  package func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> GotBlock {
    let message = try bytes.withUnsafeBytes {
      try Weft_Kvstore_V1_GetResponse(serializedBytes: Array($0))
    }
    return GotBlock(
      keyIndex: message.keyIndex,
      tier: message.tier,
      checksum: message.checksum,
      payload: BlockBytes(copying: message.payload.bytes)
    )
  }
}
