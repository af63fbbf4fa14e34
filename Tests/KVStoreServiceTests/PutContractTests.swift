import BlockCache
import Checksum
import FoundationEssentials
import GRPCCore
import KVStoreWire
import MeshProtos
import ServiceTesting
import SwiftProtobuf
import Testing

@Suite("Put")
struct PutContractTests {
  /// A block cut into parts.
  private func parts(_ block: TestBlock, ofBytes size: Int, checksum: UInt32? = nil) -> [PutBlock] {
    let total = block.payload.count
    return stride(from: 0, to: total, by: size).map { start in
      let bytes = Array(block.payload[start..<min(start + size, total)])
      return PutBlock(
        namespace: "shared",
        key: block.key,
        checksum: start + size >= total ? checksum : nil,
        totalBytes: UInt64(total),
        offset: UInt64(start),
        payload: BlockBytes(copying: bytes.span.bytes)
      )
    }
  }

  @Test("a block that comes in parts is there when it is complete")
  func inParts() async throws {
    try await TestStore.with { store in
      let block = TestBlock(1, byteCount: 100_001)
      let checksum = CRC32C.checksum(block.payload.span.bytes)
      let outcomes = try await store.put(
        parts(block, ofBytes: 30_000, checksum: checksum)
          + parts(TestBlock(2), ofBytes: 10_000, checksum: 7)
          + parts(block, ofBytes: 7000)
          + parts(TestBlock(1, byteCount: 100_001, version: 1), ofBytes: 50_000)
      )
      #expect(outcomes.map(\.code) == [0, 15, 0, 6])
      #expect(outcomes.map(\.blockIndex) == [0, 1, 2, 3])
      #expect(try await store.get([block]).hasPayloads(of: [block]))
      #expect(try await store.status().memory.blocks == 1)
    }
  }

  @Test("parts of several blocks may alternate; each is answered when it is complete")
  func alternating() async throws {
    try await TestStore.with { store in
      let blocks = [TestBlock(1, byteCount: 50_000), TestBlock(2, byteCount: 30_000), TestBlock(3)]
      let all = blocks.map { block in
        parts(block, ofBytes: 9000, checksum: CRC32C.checksum(block.payload.span.bytes))
      }
      let turns = (0..<8).flatMap { turn in all.filter { turn < $0.count }.map { $0[turn] } }
      let outcomes = try await store.put(turns)
      #expect(outcomes.map(\.code) == [0, 0, 0])
      #expect(try await store.get(blocks).hasPayloads(of: blocks))
    }
  }

  @Test("one more block in parts than may alternate ends the call")
  func tooManyAlternate() async throws {
    try await TestStore.with { store in
      func first(_ number: Int) -> PutBlock {
        parts(TestBlock(number, byteCount: 2), ofBytes: 1)[0]
      }
      let last = parts(TestBlock(7, byteCount: 2), ofBytes: 1)[1]
      let outcomes = try await store.put((0..<1024).map(first) + [last])
      #expect(outcomes.map(\.code) == [0])
      let error = try await rpcError { try await store.put((0...1024).map(first)) }
      #expect(error.code == .invalidArgument)
      #expect(error.violatedFields == ["key"])
    }
  }

  @Test("a block whose parts end early leaves nothing behind")
  func incomplete() async throws {
    try await TestStore.with { store in
      let outcomes = try await store.put(Array(parts(TestBlock(1), ofBytes: 1000).dropLast()))
      #expect(outcomes.isEmpty)
      try await eventually { try await store.status().memory.usedBytes == 0 }
    }
  }

  @Test("blocks in parts that are never completed leave room for others")
  func slowWriters() async throws {
    try await TestStore.with { store in
      try await withThrowingTaskGroup(of: Void.self) { group in
        // 8 MiB of memory, of which a quarter is 8 blocks of 256 KiB.
        let (held, hold) = AsyncStream.makeStream(of: Never.self)
        for number in 0..<20 {
          group.addTask {
            let first = parts(TestBlock(number, byteCount: 256 << 10), ofBytes: 1000)[0]
            try await Weft_Kvstore_V1_KVStoreService.putBlocks(on: store.grpc) { writer in
              try await writer.write(first)
              for await _ in held {}
            } onResponse: { response in
              for try await _ in response.messages {}
            }
          }
        }
        try await eventually { try await store.status().memory.writtenBytesTotal == 20_000 }
        let used = try await store.status().memory.usedBytes
        #expect(used == 2 << 20)
        let outcomes = try await store.put(blocks(100..<150))
        #expect(outcomes == [Int32](repeating: 0, count: 50))
        hold.finish()
        try await group.waitForAll()
      }
      try await eventually { try await store.status().memory.usedBytes == 50 * 65_536 }
    }
  }

  /// What is wrong with a message, and the field that the answer names.
  struct BadMessage: Sendable, CustomTestStringConvertible {
    var field: String
    var messages: [PutBlock]
    var testDescription: String { field }

    init(_ field: String, _ messages: PutBlock...) {
      self.field = field
      self.messages = messages
    }
  }

  private static let key = TestBlock(1).key
  private static let bytes = BlockBytes(copying: TestBlock(1, byteCount: 100).payload.span.bytes)
  private static let tooMany = BlockBytes(
    copying: TestBlock(1, byteCount: 256 << 10 + 1).payload.span.bytes
  )
  private static func part(
    _ offset: UInt64,
    of total: UInt64 = 1000,
    key: BlockKey = key,
    namespace: String = "a"
  ) -> PutBlock {
    PutBlock(
      namespace: namespace,
      key: key,
      totalBytes: total,
      offset: offset,
      payload: bytes
    )
  }

  private static let badMessages = [
    BadMessage("namespace", PutBlock(key: key, payload: bytes)),
    BadMessage(
      "namespace",
      PutBlock(namespace: String(repeating: "x", count: 257), key: key, payload: bytes)
    ),
    BadMessage("namespace", part(0), part(100, namespace: "b")),
    BadMessage("payload", PutBlock(namespace: "a", key: key, payload: tooMany)),
    BadMessage(
      "payload",
      PutBlock(namespace: "a", key: key, payload: BlockBytes(copying: [UInt8]().span.bytes))
    ),
    BadMessage("payload", part(0, of: 99)),
    BadMessage("total_bytes", part(0, of: 0)),
    BadMessage("total_bytes", part(0, of: 256 << 10 + 1)),
    BadMessage("total_bytes", part(0, of: .max)),
    BadMessage("total_bytes", part(0), part(100, of: 1001)),
    BadMessage("total_bytes", part(0), PutBlock(key: key, offset: 100, payload: bytes)),
    BadMessage("offset", PutBlock(namespace: "a", key: key, offset: 1, payload: bytes)),
    BadMessage("offset", part(0), part(101)),
    BadMessage("offset", part(0), part(0)),
    BadMessage("offset", part(.max)),
    BadMessage("offset", part(0), part(100, key: TestBlock(2).key)),
  ]

  @Test("what is malformed ends the call and names its field", arguments: badMessages)
  func malformed(message: BadMessage) async throws {
    try await TestStore.with { store in
      let error = try await rpcError { try await store.put(message.messages) }
      #expect(error.code == .invalidArgument)
      #expect(error.violatedFields == [message.field])
      #expect(try await store.status().memory.blocks == 0)
      try await eventually { try await store.status().memory.usedBytes == 0 }
    }
  }

  @Test("a key that has not 32 bytes is malformed", arguments: [0, 31, 33])
  func keyLength(byteCount: Int) async throws {
    try await TestStore.with { store in
      let error = try await rpcError {
        try await store.client.put(options: .bounded) { writer in
          try await writer.write(
            .with {
              $0.namespace = "a"
              $0.key = Data(repeating: 1, count: byteCount)
              $0.payload = Data([1])
            }
          )
        } onResponse: { response in
          for try await _ in response.messages {}
        }
      }
      #expect(error.code == .invalidArgument)
      #expect(error.violatedFields == ["key"])
    }
  }
}
