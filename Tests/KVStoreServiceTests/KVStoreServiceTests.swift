import BlockCache
import Checksum
import GRPCCore
import KVStoreWire
import MeshProtos
import ServiceTesting
import SwiftProtobuf
import TestSupport
import Testing

@Suite("The store's blocks")
struct KVStoreServiceTests {
  @Test("what was put comes back byte for byte, in the order asked for", arguments: 1...3)
  func roundTrip(seed: UInt64) async throws {
    var generator = SeededGenerator(seed: seed)
    let blocks = (0..<60).map {
      TestBlock($0, byteCount: Int.random(in: 1...100_000, using: &generator))
    }
    let order = blocks.shuffled(using: &generator)
    try await TestStore.with(["memory-mib": "64"]) { store in
      let outcomes = try await store.put(blocks)
      #expect(outcomes == blocks.map { _ in 0 })
      let got = try await store.get(order)
      #expect(got.map(\.index) == Array(order.indices))
      #expect(got.hasPayloads(of: order))
      #expect(got.allSatisfy { $0.tier == .dram })
      let checksums = order.map { CRC32C.checksum($0.payload.span.bytes) }
      #expect(got.map(\.checksum) == checksums)
    }
  }

  @Test("a Get ends before the first key that is missing, or leaves the missing out")
  func missing() async throws {
    let blocks = blocks(0..<6)
    try await TestStore.with { store in
      try await store.put(blocks.filter { $0.number != 3 })
      #expect(try await store.get(blocks, skipsMissing: false).map(\.index) == [0, 1, 2])
      #expect(try await store.get(blocks, skipsMissing: true).map(\.index) == [0, 1, 2, 4, 5])
      #expect(try await store.get(blocks, in: "nobody").isEmpty)
      #expect(try await store.status().memory.missesTotal == 8)
    }
  }

  @Test("the first bytes under a key stay")
  func conflict() async throws {
    try await TestStore.with { store in
      let first = TestBlock(1)
      let outcomes = try await store.put([first, first, TestBlock(1, version: 1)])
      #expect(outcomes == [0, 0, 6])
      #expect(try await store.put([TestBlock(1, byteCount: 100)]) == [6])
      #expect(try await store.get([first]).hasPayloads(of: [first]))
    }
  }

  @Test("a payload that has not its checksum is refused, and the call goes on")
  func damaged() async throws {
    try await TestStore.with { store in
      let (bad, good) = (TestBlock(1), TestBlock(2))
      let outcomes = try await store.put([
        PutBlock(
          namespace: "shared",
          key: bad.key,
          checksum: 1,
          payload: BlockBytes(copying: bad.payload.span.bytes)
        ),
        PutBlock(key: good.key, payload: BlockBytes(copying: good.payload.span.bytes)),
      ])
      #expect(outcomes.map(\.code) == [15, 0])
      #expect(outcomes.map(\.blockIndex) == [0, 1])
      #expect(outcomes[0].message.contains("CRC32C"))
      #expect(try await store.get([bad, good]).map(\.index) == [1])
    }
  }
}
