import BlockCache
import FoundationEssentials
import GRPCCoreTransport
import MeshProtos
import ServiceTesting
import SwiftProtobuf
import Testing

@Suite("A load", .serialized)
struct BlockLoadTests {
  private let prompt = LongPrompt()

  @Test("ends before the first block that the store has not")
  func missing() async throws {
    let prompt = prompt
    let store = FakeStore()
    try await TestWorker.with(store) { worker in
      let expected = try await worker.execution { try await $0.store(prompt) }
      store.blocks[prompt.keys[1]] = nil
      try await worker.execution(epoch: 2) { execution in
        let load = try await execution.load(prompt, in: 20..<23)
        #expect(load.loadedBlocks == 1)
        // The rest is recomputed.
        #expect(try await execution.decode(prompt, from: 16, in: 20..<24) == expected)
      }
      store.blocks[prompt.keys[0]] = nil
      try await worker.execution(epoch: 3) { execution in
        let load = try await execution.load(prompt, in: 20..<23)
        #expect(load.loadedBlocks == 0)
      }
    }
  }

  @Test("ends before a block that is not what its key says, which the store then forgets")
  func forged() async throws {
    let prompt = prompt
    let store = FakeStore()
    try await TestWorker.with(store) { worker in
      let expected = try await worker.execution { try await $0.store(prompt) }
      let blocks = store.blocks
      let true1 = try #require(blocks[prompt.keys[1]])
      var flipped = true1
      flipped.payload[100] ^= 1
      var retagged = true1
      retagged.payload[LongPrompt.storedBytes - 1] ^= 1
      let forgeries: [String: FakeStore.Block] = [
        "a bit flipped": flipped,
        "a bit of the tag flipped": retagged,
        "another block's": try #require(blocks[prompt.keys[2]]),
        "truncated": .init(payload: Array(true1.payload.dropLast())),
        "longer": .init(payload: true1.payload + [0]),
        "no more than a tag": .init(payload: Array(true1.payload.suffix(32))),
        "nothing": .init(payload: []),
      ]
      var epoch: UInt64 = 2
      for (name, forgery) in forgeries {
        store.blocks = blocks
        store.blocks[prompt.keys[1]] = forgery
        try await worker.execution(epoch: epoch) { execution in
          let load = try await execution.load(prompt, in: 20..<23)
          #expect(load.loadedBlocks == 1, "\(name)")
          #expect(load.memoryBytes == UInt64(LongPrompt.storedBytes), "\(name)")
          #expect(try await execution.decode(prompt, from: 16, in: 20..<24) == expected, "\(name)")
        }
        try await eventually { store.blocks[prompt.keys[1]] == nil }
        #expect(store.blocks.count == 2)
        epoch += 1
      }
    }
  }

  @Test("takes no block of another namespace")
  func otherNamespace() async throws {
    let prompt = prompt
    let store = FakeStore()
    try await TestWorker.with(store) { worker in
      _ = try await worker.execution { try await $0.store(prompt) }
      // The fake knows no namespaces: only the seal does.
      try await worker.execution(epoch: 2) { execution in
        try await execution.step {
          $0.loads = [.of(1, prompt, in: 20..<23)]
          $0.loads[0].namespace = "other"
        }
        #expect(try await execution.load(1).loadedBlocks == 0)
      }
    }
  }

  @Test("counts the bytes of memory and of disk apart")
  func tiers() async throws {
    let prompt = prompt
    let store = FakeStore()
    try await TestWorker.with(store) { worker in
      _ = try await worker.execution { try await $0.store(prompt) }
      store.blocks[prompt.keys[1]]?.tier = .ssd
      store.blocks[prompt.keys[2]]?.tier = .ssd
      let load = try await worker.execution(epoch: 2) { try await $0.load(prompt, in: 20..<23) }
      #expect(load.memoryBytes == UInt64(LongPrompt.storedBytes))
      #expect(load.diskBytes == UInt64(2 * LongPrompt.storedBytes))
    }
  }

  @Test("that the store lets hang ends with what has come when its time is over")
  func timeout() async throws {
    let prompt = prompt
    let store = FakeStore()
    try await TestWorker.with(store) { worker in
      let expected = try await worker.execution { try await $0.store(prompt) }
      store.behaviour = .stallsAfter(1)
      try await worker.execution(epoch: 2) { execution in
        try await execution.step {
          $0.loads = [.of(1, prompt, in: 20..<23, timeoutMilliseconds: 500)]
        }
        // Steps go on meanwhile.
        #expect(try await execution.decode(prompt, in: 0..<4) == expected)
        let load = try await execution.load(1)
        #expect(load.loadedBlocks <= 1)
        #expect(load.microseconds >= 400_000)
        #expect(load.microseconds < 15_000_000)
      }
    }
  }

  @Test("that is cancelled is answered without the store")
  func cancellation() async throws {
    let prompt = prompt
    let store = FakeStore()
    try await TestWorker.with(store) { worker in
      _ = try await worker.execution { try await $0.store(prompt) }
      store.behaviour = .stallsAfter(0)
      try await worker.execution(epoch: 2) { execution in
        let callCount = store.callCount
        try await execution.step { $0.loads = [.of(1, prompt, in: 20..<23)] }
        try await eventually { store.callCount > callCount }
        try await execution.step { $0.cancelledLoads = [1, 99] }
        let load = try await execution.load(1)
        #expect(load.loadedBlocks == 0)
        #expect(load.microseconds < 15_000_000, "nobody waits for the store's 25 s")
        // The blocks may be used again, and its number.
        store.behaviour = .honest
        try await execution.step { $0.loads = [.of(2, prompt, in: 20..<23)] }
        #expect(try await execution.load(2).loadedBlocks == 3)
      }
    }
  }

  @Test("without a store that answers brings nothing, and at once")
  func noStore() async throws {
    let prompt = prompt
    let nowhere = TransportAddress.unix(path: uniqueSocketPath())
    try await TestWorker.with(["kvstores": "\(nowhere)"]) { worker in
      try await worker.execution { execution in
        let load = try await execution.load(prompt, in: 20..<23)
        #expect(load.loadedBlocks == 0)
        #expect(load.microseconds < 15_000_000)
        try await execution.step { $0.stores = [.of(1, prompt, in: 0..<3)] }
        try await execution.store(1)
      }
    }
  }

  @Test("that is wrong is refused with a result, and the worker goes on")
  func refusals() async throws {
    let prompt = prompt
    let changes: [(inout Weft_Worker_V1_BlockLoad) -> Void] = [
      { $0.load = 0 },
      { $0.timeoutMilliseconds = 0 },
      { $0.blocks = [] },
      { $0.blocks[2] = $0.blocks[1] },
      { $0.blocks[2] = UInt32(TestWorker.blockCount) },
      { $0.blocks[0] = .max },
      { $0.keys = Data() },
      { $0.keys.append(0) },
      { $0.keys.removeLast(32) },
    ]
    let store = FakeStore()
    try await TestWorker.with(store) { worker in
      let expected = try await worker.execution { try await $0.store(prompt) }
      let wrong = changes.enumerated().map { number, change in
        var load = Weft_Worker_V1_BlockLoad.of(UInt64(number + 1), prompt, in: 20..<23)
        change(&load)
        return load
      }
      let callCount = store.callCount
      try await worker.execution(epoch: 2) { execution in
        try await execution.step { $0.loads = wrong }
        for load in wrong { #expect(try await execution.load(load.load).loadedBlocks == 0) }
        #expect(execution.loads.count == wrong.count)
        #expect(store.callCount == callCount)
        #expect(try await execution.decode(prompt, in: 0..<4) == expected)
      }
    }
  }

  @Test("with the number or a block of one under way is refused")
  func collisions() async throws {
    let prompt = prompt
    let store = FakeStore(.stallsAfter(0))
    try await TestWorker.with(store) { worker in
      try await worker.execution { execution in
        try await execution.step {
          $0.loads = [
            .of(1, prompt, in: 20..<23), .of(1, prompt, in: 30..<33), .of(2, prompt, in: 22..<25),
          ]
        }
        #expect(try await execution.load(1).loadedBlocks == 0)
        #expect(try await execution.load(2).loadedBlocks == 0)
        #expect(execution.loads.count == 2)
        try await execution.step { $0.cancelledLoads = [1] }
      }
    }
  }

  @Test("is not to be used by a slice before it has ended: that sequence fails, and no other")
  func usedTooEarly() async throws {
    let prompt = prompt
    let store = FakeStore()
    try await TestWorker.with(store) { worker in
      let expected = try await worker.execution { try await $0.store(prompt) }
      store.behaviour = .stallsAfter(0)
      try await worker.execution(epoch: 2) { execution in
        let result = try await execution.step {
          $0.loads = [.of(1, prompt, in: 20..<23)]
          $0.starts = [.of(1, prompt.tokenIDs), .of(2, Capital.prompt)]
          $0.slices = [
            .of(1, 48, 2, blocks: [20, 21, 22, 23]),
            .of(2, 0, Capital.prompt.count, blocks: [9]),
          ]
        }
        #expect(result.failures.map(\.sequence) == [1])
        #expect(result.failures.allSatisfy { $0.message.contains("being loaded") })
        #expect(result.sampled.map(\.tokenID) == [Capital.continuation[0]])
        try await execution.step { $0.cancelledLoads = [1] }
        try await execution.load(1)
        #expect(try await execution.decode(prompt, in: 20..<24) == expected)
      }
    }
  }
}
