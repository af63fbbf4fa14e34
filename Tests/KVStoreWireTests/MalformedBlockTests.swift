import BlockCache
import FoundationEssentials
import GRPCCore
import GRPCCoreTransport
import KVStoreWire
import MeshProtos
import SwiftProtobuf
import TestSupport
import Testing

@Suite("Malformed blocks")
struct MalformedBlockTests {
  private static let key: [UInt8] = [0x12, 32] + [UInt8](repeating: 3, count: 32)

  @Test(
    "errors are invalid arguments that name the field",
    arguments: [
      ([0x32, 5, 1, 2], "payload"),
      ([0x32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], "payload"),
      ([0x12, 33] + [UInt8](repeating: 3, count: 33), "key"),
      ([0x12, 0], "key"),
      ([0x0a, 1, 0xff], "namespace"),
      ([0x1d, 1, 2, 3], "checksum"),
      ([0x20], "total_bytes"),
      ([0x28] + [UInt8](repeating: 0x80, count: 10) + [1], "offset"),
      ([0x80], "tag"),
      ([0x07], "tag"),
      ([0x02], "tag"),
      ([0x9b, 0x01, 0x08, 5], "group"),
      ([0x9c, 0x01], "field 19"),
      ([0x99, 0x01, 1], "field 19"),
    ] as [([UInt8], String)]
  )
  func named(tail: [UInt8], name: String) throws {
    let error = #expect(throws: RPCError.self) {
      try PutBlockDeserializer().deserialize(SliceBytes(Self.key + tail))
    }
    #expect(error?.code == .invalidArgument)
    #expect(error?.message.contains(name) == true, "\(error?.message ?? "")")
    #expect(error?.message.hasPrefix("PutRequest: ") == true)
  }

  @Test("a key is required")
  func noKey() {
    let error = #expect(throws: RPCError.self) { try PutBlockDeserializer().deserialize([UInt8]()) }
    #expect(error?.message == "PutRequest: key must have 32 bytes, got 0")
  }

  @Test("every beginning of a message is read or refused as generated code does")
  func prefixes() throws {
    var random = SeededGenerator(seed: 5)
    for _ in 0..<50 {
      let put: [UInt8] = try random.putRequest().serializedBytes()
      let get: [UInt8] = try random.getResponse().serializedBytes()
      for end in 0...put.count { try comparePut(Array(put.prefix(end)), &random) }
      for end in 0...get.count { try compareGet(Array(get.prefix(end)), &random) }
    }
  }

  @Test("mutated messages are read or refused as generated code does", arguments: [UInt64(6), 7])
  func mutations(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var refused = 0
    for _ in 0..<10_000 {
      let put = random.mutated(try random.putRequest().serializedBytes())
      let get = random.mutated(try random.getResponse().serializedBytes())
      if try !comparePut(put, &random) { refused += 1 }
      if try !compareGet(get, &random) { refused += 1 }
    }
    // Neither everything nor nothing gets through, or this would compare little.
    #expect((2000...18_000).contains(refused))
  }

  @Test("groups are followed as deep as generated code follows them", arguments: [1, 99, 100])
  func depth(groups: Int) throws {
    var random = SeededGenerator(seed: 8)
    let nested = [UInt8](repeating: 0x3b, count: groups) + [UInt8](repeating: 0x3c, count: groups)
    #expect(try compareGet(nested, &random) == (groups <= 99))
  }

  /// - Returns: Whether the message was accepted.
  @discardableResult
  private func comparePut(_ bytes: [UInt8], _ random: inout SeededGenerator) throws -> Bool {
    let expected = try? Weft_Kvstore_V1_PutRequest(serializedBytes: bytes)
    let isLegal = expected?.key.count == BlockKey.byteCount
    do {
      var block = try PutBlockDeserializer().deserialize(random.cut(bytes)).message
      block.unknownFields = expected?.unknownFields ?? block.unknownFields
      #expect(isLegal && block == expected, "\(bytes)")
      return true
    } catch let error as RPCError {
      #expect(!isLegal && error.code == .invalidArgument, "\(bytes): \(error)")
      return false
    }
  }

  /// - Returns: Whether the message was accepted.
  @discardableResult
  private func compareGet(_ bytes: [UInt8], _ random: inout SeededGenerator) throws -> Bool {
    let expected = try? Weft_Kvstore_V1_GetResponse(serializedBytes: bytes)
    do {
      var block = try GotBlockDeserializer().deserialize(random.cut(bytes)).message
      block.unknownFields = expected?.unknownFields ?? block.unknownFields
      #expect(block == expected, "\(bytes)")
      return true
    } catch let error as RPCError {
      #expect(expected == nil && error.code == .invalidArgument, "\(bytes): \(error)")
      return false
    }
  }
}

extension SeededGenerator {
  /// The bytes with one to four changes: flips, insertions, deletions, cuts, repetitions.
  fileprivate mutating func mutated(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...4, using: &self) where !bytes.isEmpty {
      // Most of the structure stands at the beginning.
      let limit = Bool.random(using: &self) ? bytes.count : min(bytes.count, 60)
      let place = Int.random(in: 0..<limit, using: &self)
      switch Int.random(in: 0..<6, using: &self) {
      case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &self)
      case 1: bytes[place] = UInt8.random(in: 0 ... .max, using: &self)
      case 2: bytes.insert(UInt8.random(in: 0 ... .max, using: &self), at: place)
      case 3: bytes.remove(at: place)
      case 4: bytes.removeLast(bytes.count - place)
      default:
        let end = Int.random(in: place...bytes.count, using: &self)
        bytes.insert(contentsOf: bytes[place..<end], at: place)
      }
    }
    return bytes
  }
}
