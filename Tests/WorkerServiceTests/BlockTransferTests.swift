import BlockCache
import MeshProtos
import ServiceTesting
import SwiftProtobuf
import Testing

@Suite("Blocks between a worker and the KV store", .serialized)
struct BlockTransferTests {
  private let prompt = LongPrompt()

  @Test("continue a prompt as if it had been computed, in a later call and in another worker")
  func roundTrip() async throws {
    let prompt = prompt
    try await withStore { address in
      let expected = try await TestWorker.with(storeAt: address) { worker in
        let expected = try await worker.execution { try await $0.store(prompt) }
        #expect(expected.count == 5)
        let loaded = try await worker.execution(epoch: 2) { execution in
          let load = try await execution.load(prompt, in: 20..<23)
          #expect(load.loadedBlocks == 3)
          #expect(load.memoryBytes == UInt64(3 * LongPrompt.storedBytes))
          #expect(load.diskBytes == 0)
          #expect(load.microseconds > 0)
          #expect(execution.loads.map(\.step) == [0])
          return try await execution.decode(
            prompt,
            from: LongPrompt.storedTokenCount,
            in: 20..<24
          )
        }
        #expect(loaded == expected)
        return expected
      }
      let (blank, loaded) = try await TestWorker.with(storeAt: address) { worker in
        try await worker.execution { execution in
          let blank = try await execution.decode(
            prompt,
            as: 7,
            from: LongPrompt.storedTokenCount,
            in: 30..<34
          )
          let load = try await execution.load(prompt, in: 40..<43)
          #expect(load.loadedBlocks == 3)
          let loaded = try await execution.decode(
            prompt,
            as: 8,
            from: LongPrompt.storedTokenCount,
            in: 40..<44
          )
          return (blank, loaded)
        }
      }
      #expect(loaded == expected)
      #expect(blank != expected, "blocks that were never written must not do")
    }
  }

  @Test("of a mesh with another key are not taken, and are removed")
  func otherKey() async throws {
    let prompt = prompt
    try await withStore { address in
      let expected = try await TestWorker.with(storeAt: address) { worker in
        try await worker.execution { try await $0.store(prompt) }
      }
      let log = LogRecorder()
      try await withKeyFile([UInt8](repeating: 7, count: 16)) { path in
        try await TestWorker.with(
          storeAt: address,
          ["mesh-key-file": path],
          logger: log.logger
        ) { worker in
          try await worker.execution { execution in
            let load = try await execution.load(prompt, in: 20..<23)
            #expect(load.loadedBlocks == 0)
            #expect(load.memoryBytes == 0)
          }
          try await eventually {
            await presence(of: prompt.keys, at: address) == [false, true, true]
          }
          #expect(log.lines.contains { $0.contains("forged 1") })
          // It goes on, and what it stores itself it takes.
          try await worker.execution(epoch: 2) { execution in
            #expect(try await execution.decode(prompt, in: 0..<4) == expected)
            try await execution.step { $0.stores = [.of(1, prompt, in: 0..<1)] }
            try await execution.store(1)
            let load = try await execution.load(prompt, in: 20..<23)
            #expect(load.loadedBlocks == 1)
          }
        }
      }
    }
  }

  @Test("may be stored quantised: in 17/32 of the bytes, and near enough to go on from")
  func quantised() async throws {
    let prompt = prompt
    let store = FakeStore()
    try await TestWorker.with(store, ["store-block-format": "q8"]) { worker in
      try await worker.execution { execution in
        let expected = try await execution.store(prompt)
        #expect(store.blocks.values.map(\.payload.count) == [195_872, 195_872, 195_872])
        let load = try await execution.load(prompt, in: 20..<23)
        #expect(load.loadedBlocks == 3)
        #expect(load.memoryBytes == 3 * 195_872)
        let loaded = try await execution.decode(prompt, as: 2, from: 48, in: 20..<24)
        #expect(loaded.first == expected.first)
      }
    }
    // A block of another format, however authentic, is not taken: it has another size.
    try await withServer([FakeBlockService(store: store)]) { _, address in
      try await TestWorker.with(storeAt: address) { worker in
        let load = try await worker.execution { try await $0.load(prompt, in: 20..<23) }
        #expect(load.loadedBlocks == 0)
      }
    }
  }

  @Test("are not written any more once a new call has begun")
  func newCall() async throws {
    let prompt = prompt
    let other = LongPrompt(2)
    let store = FakeStore()
    try await TestWorker.with(store) { worker in
      let expected = try await worker.execution { execution in
        _ = try await execution.store(prompt)
        return try await execution.decode(other, as: 2, in: 50..<54)
      }
      store.behaviour = .holdsAfter(1)
      try await worker.execution(epoch: 2) { old in
        let callCount = store.callCount
        try await old.step { $0.loads = [.of(1, prompt, in: 20..<23)] }
        try await eventually { store.callCount > callCount }
        try await worker.execution(epoch: 3) { new in
          let first = try await new.step {
            $0.starts = [.of(1, other.tokenIDs)]
            $0.slices = [.of(1, 0, other.tokenIDs.count, blocks: [20, 21, 22, 23])]
          }
          store.release()
          let load = try await old.load(1)
          #expect(load.loadedBlocks <= 1)
          var sampled = first.sampled.map(\.tokenID)
          for next in other.tokenIDs.count..<other.tokenIDs.count + 4 {
            sampled += try await new.step { $0.slices = [.of(1, next, 1)] }.sampled.map(\.tokenID)
          }
          #expect(sampled == expected)
        }
      }
    }
  }
}
