import FoundationEssentials
import GRPCCore
import KVStoreWire
import MeshProtos
import ServiceTesting
import SwiftProtobuf
import TestSupport
import Testing

@Suite("Requests about many keys")
struct RequestTests {
  @Test("Lookup gives the longest prefix of every list")
  func lookup() async throws {
    let blocks = blocks(0..<8)
    try await TestStore.with { store in
      try await store.put(blocks.filter { $0.number != 5 })
      let response = try await store.client.lookup(
        .with {
          $0.namespace = "shared"
          $0.keyLists = [blocks.keys, Array(blocks[6...]).keys, [blocks[5]].keys]
        }
      )
      #expect(response.matches.map(\.blockCount) == [5, 2, 0])
      #expect(response.matches[0].stretches.count == 1)
      #expect(response.matches[0].stretches[0].tier == .dram)
      #expect(response.matches[0].stretches[0].blockCount == 5)
      #expect(response.matches[0].stretches[0].byteCount == 5 * 65_536)
      #expect(response.matches[0].stretches[0].estimatedMicroseconds > 0)
      #expect(response.matches[2].stretches.isEmpty)
      #expect(try await store.lookup(blocks, in: "nobody").blockCount == 0)
      #expect(try await store.status().namespaces.map(\.namespace) == ["shared"])
    }
  }

  @Test("Touch and Remove count what is here")
  func touchAndRemove() async throws {
    let blocks = blocks(0..<6)
    try await TestStore.with { store in
      try await store.put(Array(blocks[..<4]))
      let touched = try await store.client.touch(
        .with {
          $0.namespace = "shared"
          $0.keys = blocks.keys
        }
      )
      #expect(touched.touchedCount == 4)
      #expect(try await store.remove(Array(blocks[2...])) == 2)
      #expect(try await store.remove(Array(blocks[2...])) == 0)
      #expect(try await store.remove(blocks, in: "nobody") == 0)
      #expect(try await store.get(blocks).map(\.index) == [0, 1])
    }
  }

  @Test("a touched block outlives an untouched one")
  func touchKeeps() async throws {
    try await TestStore.with(["eviction-policy": "lru"]) { store in
      // 8 MiB hold 128 blocks of 64 KiB.
      try await store.put(blocks(0..<128))
      _ = try await store.client.touch(
        .with {
          $0.namespace = "shared"
          $0.keys = [TestBlock(0)].keys
        }
      )
      try await store.put(blocks(200..<210))
      #expect(try await store.lookup([TestBlock(0)]).blockCount == 1)
      #expect(try await store.lookup([TestBlock(1)]).blockCount == 0)
    }
  }

  @Test("65 536 keys are taken, one more is not")
  func limits() async throws {
    let most = Data(repeating: 7, count: 32 << 16)
    try await TestStore.with { store in
      let response = try await store.client.touch(
        .with {
          $0.namespace = "a"
          $0.keys = most
        }
      )
      #expect(response.touchedCount == 0)
      for (field, call) in store.keyCalls(namespace: "a", keys: most + Data(count: 32)) {
        let error = try await rpcError(of: call)
        #expect(error.code == .invalidArgument)
        #expect(error.violatedFields == [field])
      }
      let split = try await rpcError {
        try await store.client.lookup(
          .with {
            $0.namespace = "a"
            $0.keyLists = [most, Data(count: 32)]
          }
        )
      }
      #expect(split.violatedFields == ["key_lists[1]"])
    }
  }

  @Test("keys are whole and at least one", arguments: [0, 1, 31, 33, 65])
  func keyLengths(byteCount: Int) async throws {
    try await TestStore.with { store in
      for (field, call) in store.keyCalls(namespace: "a", keys: Data(count: byteCount)) {
        let error = try await rpcError(of: call)
        #expect(error.code == .invalidArgument)
        #expect(error.violatedFields == [field])
      }
    }
  }

  @Test("namespaces have 1 to 256 bytes", arguments: [0, 257])
  func namespaces(byteCount: Int) async throws {
    let name = String(repeating: "n", count: byteCount)
    try await TestStore.with { store in
      for (_, call) in store.keyCalls(namespace: name, keys: Data(count: 32)) {
        #expect(try await rpcError(of: call).violatedFields == ["namespace"])
      }
      let quota = try await rpcError {
        try await store.client.setQuota(.with { $0.namespace = name })
      }
      #expect(quota.violatedFields == ["namespace"])
    }
  }

  @Test("a Lookup of no list is malformed")
  func noList() async throws {
    try await TestStore.with { store in
      let error = try await rpcError {
        try await store.client.lookup(.with { $0.namespace = "a" })
      }
      #expect(error.violatedFields == ["key_lists"])
    }
  }

  @Test("random bytes in place of requests hurt nobody", arguments: 1...3)
  func randomBytes(seed: UInt64) async throws {
    var generator = SeededGenerator(seed: seed)
    try await TestStore.with { store in
      for _ in 0..<50 {
        let count = Int.random(in: 0...200, using: &generator)
        let keys = Data((0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) })
        for (_, call) in store.keyCalls(namespace: "a", keys: keys) { _ = try? await call() }
      }
      let block = TestBlock(1)
      try await store.put([block])
      #expect(try await store.get([block]).hasPayloads(of: [block]))
    }
  }
}

extension TestStore {
  /// Forgets blocks.
  func remove(_ blocks: [TestBlock], in namespace: String = "shared") async throws -> UInt32 {
    try await client.remove(
      .with {
        $0.namespace = namespace
        $0.keys = blocks.keys
      },
      options: .bounded
    ).removedCount
  }

  /// Every call that takes keys, and its field for them.
  func keyCalls(
    namespace: String,
    keys: Data
  ) -> [(field: String, call: @Sendable () async throws -> Void)] {
    [
      (
        "key_lists[0]",
        {
          _ = try await client.lookup(
            .with {
              $0.namespace = namespace
              $0.keyLists = [keys]
            }
          )
        }
      ),
      (
        "keys",
        {
          let request = Weft_Kvstore_V1_GetRequest.with {
            $0.namespace = namespace
            $0.keys = keys
          }
          try await Weft_Kvstore_V1_KVStoreService.getBlocks(request, on: grpc) { response in
            for try await _ in response.messages {}
          }
        }
      ),
      (
        "keys",
        {
          _ = try await client.touch(
            .with {
              $0.namespace = namespace
              $0.keys = keys
            }
          )
        }
      ),
      (
        "keys",
        {
          _ = try await client.acquireLease(
            .with {
              $0.namespace = namespace
              $0.keys = keys
              $0.durationMilliseconds = 1
            }
          )
        }
      ),
      (
        "keys",
        {
          _ = try await client.remove(
            .with {
              $0.namespace = namespace
              $0.keys = keys
            }
          )
        }
      ),
    ]
  }
}
