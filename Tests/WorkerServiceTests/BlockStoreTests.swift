import BlockCache
import MeshProtos
import ServiceTesting
import SwiftProtobuf
import Testing

@Suite("A store", .serialized)
struct BlockStoreTests {
  private let prompt = LongPrompt()

  @Test("takes the blocks as they are before the step")
  func beforeTheStep() async throws {
    let prompt = prompt
    let other = LongPrompt(2)
    let store = FakeStore()
    try await TestWorker.with(store) { worker in
      try await worker.execution { execution in
        let expected = try await execution.decode(prompt, in: 0..<4)
        try await execution.step {
          $0.releasedSequences = [1]
          $0.stores = [.of(1, prompt, in: 0..<3)]
          $0.starts = [.of(2, other.tokenIDs)]
          $0.slices = [.of(2, 0, other.tokenIDs.count, blocks: [0, 1, 2, 3])]
        }
        try await execution.store(1)
        #expect(try await execution.load(prompt, in: 20..<23).loadedBlocks == 3)
        let loaded = try await execution.decode(prompt, as: 3, from: 48, in: 20..<24)
        #expect(loaded == expected)
      }
    }
  }

  @Test("of what the step computes is sent layer by layer, and is the same in the store")
  func asComputed() async throws {
    let prompt = prompt
    let count = prompt.tokenIDs.count
    let layerCount = 30
    let store = FakeStore()
    try await TestWorker.with(store) { worker in
      try await worker.execution { execution in
        // In chunks that do not end where blocks do.
        try await execution.step {
          $0.starts = [.of(1, prompt.tokenIDs)]
          $0.stores = [.asComputed(1, prompt, 0..<1, in: 0..<1)]
          $0.slices = [.of(1, 0, 25, blocks: [0, 1], samples: false)]
        }
        let result = try await execution.step {
          $0.stores = [.asComputed(2, prompt, 1..<3, in: 1..<3)]
          $0.slices = [.of(1, 25, count - 25, blocks: [2, 3])]
        }
        try await execution.store(2)
        #expect(Set(store.blocks.keys) == Set(prompt.keys))
        // How many depends on how busy the machine is.
        #expect(store.partCounts.values.allSatisfy { (1...layerCount + 1).contains($0) })
        let asComputed = store.blocks
        store.blocks = [:]
        try await execution.step { $0.stores = [.of(3, prompt, in: 0..<3)] }
        try await execution.store(3)
        #expect(store.blocks == asComputed)
        #expect(try await execution.load(prompt, in: 20..<23).loadedBlocks == 3)
        let loaded = try await execution.decode(prompt, as: 3, from: 48, in: 20..<24)
        #expect(loaded.first == result.sampled.first?.tokenID)
      }
    }
  }

  @Test("of blocks that the step does not make full is given up and told of")
  func notComputed() async throws {
    let prompt = prompt
    let store = FakeStore()
    try await TestWorker.with(store) { worker in
      try await worker.execution { execution in
        let expected = try await execution.decode(prompt, in: 0..<4)
        try await execution.step {
          $0.starts = [.of(2, prompt.tokenIDs), .of(3, [UInt32.max])]
          $0.stores = [
            .asComputed(1, prompt, 0..<3, in: 0..<3),  // Full before.
            .asComputed(2, prompt, 0..<3, in: 8..<11),  // Not full yet.
            .asComputed(3, LongPrompt(2), 0..<1, in: 20..<21),  // Of a sequence that fails.
          ]
          $0.slices = [
            .of(2, 0, 47, blocks: [8, 9, 10, 11], samples: false),
            .of(3, 0, 1, blocks: [20]),
          ]
        }
        try await execution.store(3)
        // Of a step without anything to compute.
        try await execution.step { $0.stores = [.asComputed(4, prompt, 0..<3, in: 0..<3)] }
        try await execution.store(4)
        #expect(store.blocks.isEmpty)
        try await execution.step {
          $0.stores = [.asComputed(5, prompt, 2..<3, in: 10..<11)]
          $0.slices = [.of(2, 47, 3)]
        }
        try await execution.store(5)
        #expect(Set(store.blocks.keys) == [prompt.keys[2]])
        #expect(try await execution.decode(prompt, as: 4, in: 4..<8) == expected)
      }
    }
  }

  @Test("for which there is too little staging is cut short, and told all the same")
  func staging() async throws {
    let prompt = prompt
    let store = FakeStore()
    // Two blocks.
    try await TestWorker.with(store, ["store-staging-mib": "1"]) { worker in
      try await worker.execution { execution in
        _ = try await execution.decode(prompt, in: 0..<4)
        try await execution.step {
          $0.stores = [.of(1, prompt, in: 0..<3), .of(2, prompt, in: 0..<3)]
        }
        try await execution.store(2)
        #expect(Set(store.blocks.keys) == Set(prompt.keys[..<2]))
        // The buffers are free again.
        try await execution.step {
          $0.stores = [
            .with {
              $0.store = 3
              $0.namespace = LongPrompt.namespace
              $0.blocks = [2]
              $0.keys = prompt.keys[2...].wire
            }
          ]
        }
        try await execution.store(3)
        #expect(Set(store.blocks.keys) == Set(prompt.keys))
      }
    }
  }

  @Test("is told of in order, each once, up to the last")
  func order() async throws {
    let store = FakeStore()
    try await TestWorker.with(store) { worker in
      let told = try await worker.execution { execution in
        _ = try await execution.decode(LongPrompt(), in: 0..<4)
        for number in 1...40 as ClosedRange<UInt64> {
          try await execution.send {
            $0.stores = [.of(number, LongPrompt(number), in: 0..<3)]
            $0.starts = [.of(number + 100, Capital.prompt)]
            $0.slices = [.of(number + 100, 0, Capital.prompt.count, blocks: [60])]
          }
        }
        try await execution.store(40)
        return execution.storesDone
      }
      #expect(told.last == 40)
      #expect(zip(told, told.dropFirst()).allSatisfy { $0 < $1 }, "\(told)")
    }
  }

  @Test("that is wrong, or that the store refuses, is told of like any other")
  func refusals() async throws {
    let prompt = prompt
    let store = FakeStore()
    try await TestWorker.with(store) { worker in
      try await worker.execution { execution in
        let expected = try await execution.decode(prompt, in: 0..<4)
        try await execution.step {
          $0.stores = (1...4).map { .of($0, prompt, in: 0..<3) }
          $0.stores[0].blocks[1] = UInt32(TestWorker.blockCount)
          $0.stores[1].blocks[1] = 0
          $0.stores[2].keys.removeLast()
          $0.stores[3].blocks = []
        }
        try await execution.store(4)
        #expect(store.blocks.keys.isEmpty)
        store.behaviour = .full
        try await execution.step { $0.stores = [.of(5, prompt, in: 0..<3)] }
        try await execution.store(5)
        #expect(store.blocks.keys.isEmpty)
        #expect(try await execution.decode(prompt, as: 2, in: 4..<8) == expected)
      }
    }
  }

  @Test("of a block that is being loaded is refused: nobody knows what is in it")
  func loading() async throws {
    let prompt = prompt
    let store = FakeStore(.stallsAfter(0))
    try await TestWorker.with(store) { worker in
      try await worker.execution { execution in
        let callCount = store.callCount
        try await execution.step { $0.loads = [.of(1, prompt, in: 20..<23)] }
        try await eventually { store.callCount > callCount }
        try await execution.step { $0.stores = [.of(1, LongPrompt(2), in: 22..<25)] }
        try await execution.step { $0.cancelledLoads = [1] }
        try await execution.load(1)
        try await execution.store(1)
        #expect(store.blocks.keys.isEmpty)
      }
    }
  }

  @Test("waits for loads that were there before it, and not for those that came after")
  func turns() async throws {
    let prompt = prompt
    let store = FakeStore(.stallsAfter(0))
    try await TestWorker.with(store) { worker in
      try await worker.execution { execution in
        _ = try await execution.decode(prompt, in: 0..<4)
        let callCount = store.callCount
        try await execution.step { $0.loads = [.of(1, LongPrompt(2), in: 20..<23)] }
        try await execution.step { $0.stores = [.of(1, prompt, in: 0..<3)] }
        try await execution.step { $0.loads = [.of(2, LongPrompt(3), in: 30..<33)] }
        try await eventually { store.callCount > callCount + 1 }
        #expect(execution.storesDone.isEmpty)
        #expect(store.blocks.keys.isEmpty)
        try await execution.step { $0.cancelledLoads = [1] }
        try await execution.store(1)
        #expect(!execution.loads.contains { $0.result.load == 2 })
        try await execution.step { $0.cancelledLoads = [2] }
      }
    }
  }
}
