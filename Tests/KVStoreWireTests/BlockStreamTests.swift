import BlockCache
import FoundationEssentials
import GRPCCore
import GRPCCoreTransport
import GRPCProtobuf
import KVStoreWire
import MeshProtos
import ServiceTesting
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@Suite("Streams of blocks")
struct BlockStreamTests {
  private typealias Store = Weft_Kvstore_V1_KVStoreService

  private static func key(_ number: Int) -> BlockKey {
    BlockKey(bytes: [UInt8](repeating: UInt8(number), count: BlockKey.byteCount))!
  }

  private static func request(_ numbers: Range<Int>) -> Weft_Kvstore_V1_GetRequest {
    .with {
      $0.namespace = "a"
      $0.keys = Data(numbers.flatMap { key($0).bytes })
    }
  }

  @Test("blocks of any size come back as they were put, and no owner is left behind")
  func roundTrip() async throws {
    var random = SeededGenerator(seed: 9)
    let sizes = [0, 1, 100, 4096, 368_640, 1 << 20, 5_000_001]
    let contents = sizes.map { random.bytes($0) }
    let live = LiveCount()
    try await withServer([MemoryBlockService()]) { client, _ in
      let outcomes = try await Store.putBlocks(on: client) { writer in
        for (number, content) in contents.enumerated() {
          let payload = CountedMemory(content, counting: live).block
          let checksum = payload.checksum()
          try await writer.write(
            PutBlock(
              namespace: "a",
              key: Self.key(number),
              checksum: number == 3 ? checksum &+ 1 : checksum,
              payload: payload
            )
          )
        }
      } onResponse: { response in
        try await response.messages.reduce(into: []) { $0.append($1) }
      }
      #expect(outcomes.map(\.blockIndex) == Array(0..<UInt32(sizes.count)))
      #expect(outcomes.map(\.code) == [0, 0, 0, 15, 0, 0, 0])
      #expect(await eventually { live.now == 0 })

      for range in [0..<3, 4..<7] {
        let blocks = try await Store.getBlocks(Self.request(range), on: client) { response in
          try await response.messages.reduce(into: []) { $0.append($1) }
        }
        #expect(blocks.map(\.payload.array) == contents[range].map { $0 })
        #expect(blocks.allSatisfy { $0.payload.checksum() == $0.checksum && $0.tier == .dram })
      }
    }
  }

  @Test("generated code and this speak with each other")
  func generated() async throws {
    let content = [UInt8](repeating: 9, count: 100_000)
    let payload = BlockBytes(copying: content.span.bytes)
    try await withServer([MemoryBlockService()]) { client, _ in
      let store = Store.Client(wrapping: client)
      let codes = try await store.put { writer in
        try await writer.write(
          .with {
            $0.namespace = "a"
            $0.key = Data(Self.key(0).bytes)
            $0.checksum = payload.checksum()
            $0.payload = Data(content)
          }
        )
      } onResponse: { response in
        try await response.messages.reduce(into: []) { $0.append($1.code) }
      }
      #expect(codes == [0])
      let blocks = try await store.get(Self.request(0..<1)) { response in
        try await response.messages.reduce(into: []) { $0.append($1) }
      }
      #expect(blocks.map(\.payload) == [Data(content)])
    }
  }

  @Test("a malformed block ends the call with an error that names the field")
  func malformed() async throws {
    try await withServer([MemoryBlockService()]) { client, _ in
      let error = await #expect(throws: RPCError.self) {
        try await Store.Client(wrapping: client).put { writer in
          try await writer.write(.with { $0.key = Data([1, 2, 3]) })
        } onResponse: { response in
          for try await _ in response.messages {}
        }
      }
      #expect(error?.code == .invalidArgument)
      #expect(error?.message.contains("key must have 32 bytes, got 3") == true)
    }
  }

  @Test("what is on its way lives, however slow its reader; a slow reader stops the store")
  func slowReader() async throws {
    let live = LiveCount()
    let service = EndlessBlockService(blockBytes: 256 << 10, live: live)
    try await withServer([service]) { client, _ in
      try await Store.getBlocks(Self.request(0..<1), on: client) { response in
        var number: UInt32 = 0
        for try await block in response.messages {
          if number == 0 { await standsStill(service) }
          #expect(block.keyIndex == number)
          #expect(block.payload.checksum() == block.checksum)
          number += 1
          if number == 300 { break }
        }
      }
      // 64 MB are more than all windows and buffers; the store would have written on for ever.
      #expect(live.most < 256)
      #expect(await eventually { live.now == 0 })
    }
  }
}

/// Waits until a service has not written anything for a while.
private func standsStill(_ service: EndlessBlockService) async {
  var last = -1
  while last != service.written {
    last = service.written
    try? await Task.sleep(for: .milliseconds(100))
  }
}

/// Writes new blocks until the call is over, keeping none.
private final class EndlessBlockService: RegistrableRPCService, KVStoreBlockService {
  private let blockBytes: Int
  private let live: LiveCount
  private let count = Atomic<Int>(0)

  var written: Int { count.load(ordering: .acquiring) }

  init(blockBytes: Int, live: LiveCount) {
    self.blockBytes = blockBytes
    self.live = live
  }

  func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    registerBlockMethods(with: &router)
  }

  func get(
    _ request: Weft_Kvstore_V1_GetRequest,
    to writer: RPCWriter<GotBlock>,
    context: ServerContext
  ) async throws {
    while true {
      let number = UInt32(written)
      let content = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: blockBytes)
      let payload = CountedMemory(content, counting: live).block
      try await writer.write(
        GotBlock(
          keyIndex: number,
          tier: .dram,
          checksum: payload.checksum(),
          payload: payload
        )
      )
      count.add(1, ordering: .acquiringAndReleasing)
    }
  }

  func put(
    _ blocks: RPCAsyncSequence<PutBlock, any Error>,
    to writer: RPCWriter<Weft_Kvstore_V1_PutResponse>,
    context: ServerContext
  ) async throws {}
}
