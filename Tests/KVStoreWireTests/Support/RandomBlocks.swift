import BlockCache
import FoundationEssentials
import GRPCCoreTransport
import KVStoreWire
import MeshProtos
import SwiftProtobuf
import TestSupport

extension SeededGenerator {
  mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: 0 ... .max, using: &self) }
  }

  /// 0, small, and large ones alike.
  mutating func number() -> UInt64 {
    next() >> UInt64.random(in: 0...63, using: &self) & (Bool.random(using: &self) ? .max : 0)
  }

  /// A request with any of its fields set or absent; the key is legal.
  mutating func putRequest(payloadBytes: ClosedRange<Int> = 0...80) -> Weft_Kvstore_V1_PutRequest {
    .with {
      if Bool.random(using: &self) {
        $0.namespace = ["a", "tenant/42", "námespace", ""].randomElement(using: &self) ?? ""
      }
      $0.key = Data(bytes(BlockKey.byteCount))
      if Bool.random(using: &self) { $0.checksum = UInt32(truncatingIfNeeded: number()) }
      if Bool.random(using: &self) { $0.totalBytes = number() }
      if Bool.random(using: &self) { $0.offset = number() }
      if Bool.random(using: &self) {
        $0.payload = Data(bytes(Int.random(in: payloadBytes, using: &self)))
      }
    }
  }

  /// A response with any of its fields set or absent.
  mutating func getResponse(payloadBytes: ClosedRange<Int> = 0...80) -> Weft_Kvstore_V1_GetResponse
  {
    .with {
      if Bool.random(using: &self) { $0.keyIndex = UInt32(truncatingIfNeeded: number()) }
      if Bool.random(using: &self) {
        $0.tier = [.dram, .ssd, .UNRECOGNIZED(77), .UNRECOGNIZED(-5)].randomElement(using: &self)!
      }
      if Bool.random(using: &self) { $0.checksum = UInt32(truncatingIfNeeded: number()) }
      if Bool.random(using: &self) {
        $0.payload = Data(bytes(Int.random(in: payloadBytes, using: &self)))
      }
    }
  }

  /// The same bytes in pieces of any sizes, empty ones too, as a network delivers them.
  mutating func cut(_ bytes: [UInt8], intoAtMost most: Int = 6) -> SliceBytes {
    let cuts = (0..<Int.random(in: 0..<most, using: &self))
      .map { _ in Int.random(in: 0...bytes.count, using: &self) }.sorted()
    let ends = cuts + [bytes.count]
    var pieces: [SliceBytes.Piece] = []
    var start = 0
    for end in ends {
      let part = SliceBytes(bytes[start..<end])
      pieces.append(part.piece(at: 0))
      start = end
    }
    return SliceBytes(header: [], pieces: pieces)
  }
}

extension PutBlock {
  /// As generated code sees it.
  var message: Weft_Kvstore_V1_PutRequest {
    .with {
      $0.namespace = namespace
      $0.key = Data(key.bytes)
      if let checksum { $0.checksum = checksum }
      if let totalBytes { $0.totalBytes = totalBytes }
      $0.offset = offset
      $0.payload = Data(payload.array)
    }
  }

  init(_ message: Weft_Kvstore_V1_PutRequest) {
    self.init(
      namespace: message.namespace,
      key: BlockKey(bytes: message.key)!,
      checksum: message.hasChecksum ? message.checksum : nil,
      totalBytes: message.hasTotalBytes ? message.totalBytes : nil,
      offset: message.offset,
      payload: BlockBytes(copying: message.payload.bytes)
    )
  }
}

extension GotBlock {
  /// As generated code sees it.
  var message: Weft_Kvstore_V1_GetResponse {
    .with {
      $0.keyIndex = keyIndex
      $0.tier = tier
      $0.checksum = checksum
      $0.payload = Data(payload.array)
    }
  }

  init(_ message: Weft_Kvstore_V1_GetResponse) {
    self.init(
      keyIndex: message.keyIndex,
      tier: message.tier,
      checksum: message.checksum,
      payload: BlockBytes(copying: message.payload.bytes)
    )
  }
}
