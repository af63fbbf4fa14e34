import BlockCache
import FoundationEssentials
import GRPCCore
import GRPCCoreTransport
import KVStoreWire
import MeshProtos
import SwiftProtobuf
import TestSupport
import Testing

@Suite("Blocks on the wire are protobuf")
struct BlockCodingTests {
  private static let rounds = 2000

  @Test("what is written here is what generated code writes", arguments: [UInt64(1), 2])
  func writing(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<Self.rounds {
      let put = random.putRequest()
      let put1: SliceBytes = try PutBlockSerializer().serialize(PutBlock(put))
      let put2: [UInt8] = try PutBlockSerializer().serialize(PutBlock(put))
      #expect(contents(put1) == put2)
      // Whether an empty field is sent is the writer's choice; ours is generated code's.
      #expect(try put2 == put.serializedBytes())

      let get = random.getResponse()
      let get1: SliceBytes = try GotBlockSerializer().serialize(GotBlock(get))
      let get2: [UInt8] = try GotBlockSerializer().serialize(GotBlock(get))
      #expect(contents(get1) == get2)
      #expect(try get2 == get.serializedBytes())
    }
  }

  @Test(
    "what generated code writes is read, in whatever pieces it comes",
    arguments: [UInt64(3), 4]
  )
  func reading(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<Self.rounds {
      let put = random.putRequest()
      let putBytes: [UInt8] = try put.serializedBytes()
      #expect(try PutBlockDeserializer().deserialize(random.cut(putBytes)).message == put)
      #expect(try PutBlockDeserializer().deserialize(putBytes).message == put)

      let get = random.getResponse()
      let getBytes: [UInt8] = try get.serializedBytes()
      #expect(try GotBlockDeserializer().deserialize(random.cut(getBytes)).message == get)
      #expect(try GotBlockDeserializer().deserialize(getBytes).message == get)
    }
  }

  @Test("a payload in pieces is one payload")
  func pieces() throws {
    var payload = BlockBytes()
    for count in [1, 500, 3] {
      payload.append(
        BlockBytes(copying: [UInt8](repeating: UInt8(count % 256), count: count).span.bytes)
      )
    }
    let sent = GotBlock(keyIndex: 1, tier: .ssd, checksum: 9, payload: payload)
    let bytes: SliceBytes = try GotBlockSerializer().serialize(sent)
    #expect(bytes.pieceCount == 4)
    let message = try Weft_Kvstore_V1_GetResponse(serializedBytes: contents(bytes))
    #expect(message.payload == Data(payload.array))
  }

  @Test("an empty message is all defaults")
  func empty() throws {
    let block = try GotBlockDeserializer().deserialize([UInt8]())
    #expect(block.message == Weft_Kvstore_V1_GetResponse())
    #expect(try GotBlockDeserializer().deserialize(SliceBytes([])).message == block.message)
  }

  @Test("fields come in any order, the last of several counts, unknown ones are passed over")
  func freedom() throws {
    let bytes: [UInt8] =
      [0x22, 2, 1, 2]  // payload
      + [0x08, 9]  // key_index
      + [0x98, 0x06, 0x80, 0x01]  // field 99, varint
      + [0x93, 0x01, 0x08, 5, 0x0b, 0x0c, 0x94, 0x01]  // field 18, a group with a group
      + [0x19] + [UInt8](repeating: 1, count: 8)  // checksum's number with eight bytes
      + [0x9a, 0x06, 3, 7, 7, 7]  // field 99, bytes
      + [0x1d, 4, 3, 2, 1]  // checksum
      + [0x08, 0x85, 0x80, 0x00]  // key_index again, longer than it must be
      + [0x22, 3, 5, 6, 7]  // payload again
    let expected = try Weft_Kvstore_V1_GetResponse(serializedBytes: bytes)
    #expect(expected.keyIndex == 5 && expected.checksum == 0x0102_0304)
    var block = try GotBlockDeserializer().deserialize(SliceBytes(bytes))
    #expect(block.payload.array == [5, 6, 7])
    block = try GotBlockDeserializer().deserialize(bytes)
    #expect(block.keyIndex == 5 && block.checksum == 0x0102_0304 && block.tier == .unspecified)
  }

  @Test("payloads are neither copied on the way out nor on the way in")
  func sharing() throws {
    let live = LiveCount()
    var memory: CountedMemory? = CountedMemory([UInt8](repeating: 7, count: 4096), counting: live)
    let key = BlockKey(bytes: [UInt8](repeating: 1, count: 32))!
    var message: SliceBytes? = try memory.map {
      try PutBlockSerializer().serialize(PutBlock(key: key, payload: $0.block))
    }
    memory = nil
    #expect(live.now == 1, "the message keeps the memory")
    var read = try message.map { try PutBlockDeserializer().deserialize($0) }
    message = nil
    #expect(live.now == 1, "the payload that was read is the memory that was written")
    #expect(read?.payload.array == [UInt8](repeating: 7, count: 4096))
    read = nil
    #expect(live.now == 0)
  }

  private func contents(_ bytes: SliceBytes) -> [UInt8] {
    bytes.withUnsafeBytes { Array($0) }
  }
}
