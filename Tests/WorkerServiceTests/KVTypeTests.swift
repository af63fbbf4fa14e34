import GRPCCore
import MeshProtos
import MeshRuntime
import MeshTypes
import ServiceLifecycle
import ServiceTesting
import SwiftProtobuf
import TestSupport
import Testing
import WorkerService

@Suite("Keys and values in 8 bits", .serialized)
struct KVTypeTests {
  private let prompt = LongPrompt()

  /// Bytes of a block of the default model, without a seal.
  private static let blockBytes = 195_840

  @Test("answer as those in f16 where an answer is sure")
  func answer() async throws {
    let results = try await TestWorker.with(["kv-dtype": "q8"]) {
      try await $0.execute([.first(), .second()])
    }
    #expect(results.flatMap(\.sampled).map(\.tokenID) == Capital.continuation)
  }

  @Test("are stored as they are, and continue a prompt as if it had been computed")
  func roundTrip() async throws {
    let prompt = prompt
    let store = FakeStore()
    let flags = ["kv-dtype": "q8"]
    let expected = try await TestWorker.with(store, flags) { worker in
      try await worker.execution { execution in
        let expected = try await execution.store(prompt)
        let stored = Self.blockBytes + 32
        #expect(store.blocks.values.map(\.payload.count) == [stored, stored, stored])
        return expected
      }
    }
    // Another worker, which sends the same bytes layer by layer when it computes them.
    try await TestWorker.with(store, flags) { worker in
      try await worker.execution { execution in
        #expect(try await execution.load(prompt, in: 20..<23).loadedBlocks == 3)
        let loaded = try await execution.decode(prompt, from: 48, in: 20..<24)
        #expect(loaded == expected)
        let blocks = store.blocks
        store.blocks = [:]
        try await execution.step {
          $0.starts = [.of(2, prompt.tokenIDs)]
          $0.stores = [.asComputed(1, prompt, 0..<3, in: 0..<3)]
          $0.slices = [.of(2, 0, prompt.tokenIDs.count, blocks: [0, 1, 2, 3])]
        }
        try await execution.store(1)
        #expect(store.blocks == blocks)
      }
    }
  }

  @Test("have keys of their own, half as large blocks, and so twice as many in the same memory")
  func capabilities() async throws {
    let halves = try await offer([:])
    let levels = try await offer(["kv-dtype": "q8"])
    let quantised = try await offer(["store-block-format": "q8"])
    #expect(Set([halves, levels, quantised].map(\.cacheRootKey)).count == 3)
    #expect(halves.storeBlockBytes == 368_640 + 32)
    #expect(levels.storeBlockBytes == UInt64(Self.blockBytes + 32))
    #expect(halves.blockCount == (8 << 20) / 368_640)
    #expect(levels.blockCount == UInt32((8 << 20) / Self.blockBytes))
  }

  @Test("are asked for by a name of those that there are, and not with blocks quantised again")
  func wrong() async throws {
    let wrong = [
      (["kv-dtype": "q4"], "kv-dtype"), (["kv-dtype": ""], "kv-dtype"),
      (["kv-dtype": "q8", "store-block-format": "q8"], "store-block-format"),
    ]
    for (flags, field) in wrong {
      let reader = try await settings(["model": "/nonexistent"].merging(flags) { $1 })
      let error = try await #require(throws: MeshError.self) { try await WorkerSettings(reader) }
      #expect(error.code == .invalidArgument, "\(flags)")
      #expect(error.field == field, "\(flags)")
    }
    for type in ["f16", "q8"] {
      let reader = try await settings(["model": "/nonexistent", "kv-dtype": type])
      #expect("\(try await WorkerSettings(reader).engine.kvType)" == type)
    }
  }

  /// What a worker with 8 MiB for blocks offers to its scheduler.
  private func offer(_ flags: [String: String]) async throws -> Weft_Scheduler_V1_Capabilities {
    let (offers, continuation) = AsyncStream.makeStream(of: Weft_Scheduler_V1_Capabilities.self)
    return try await withServer([JoinRecorder(offers: continuation)]) { _, address in
      let reader = try await settings(
        [
          "model": DefaultModel.path, "kv-memory-mib": "8", "max-batch-tokens": "16",
          "scheduler": "\(address)", "kvstores": "unix:/nonexistent",
        ].merging(flags) { $1 }
      )
      let worker = try await Worker(settings: try await WorkerSettings(reader), logger: .silent)
      let group = ServiceGroup(services: worker.services, logger: .silent)
      return try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        let offer = await offers.first { _ in true }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
        return try #require(offer)
      }
    }
  }
}

/// A scheduler that takes everybody in and tells what they offer.
private struct JoinRecorder: Weft_Scheduler_V1_SchedulerService.SimpleServiceProtocol {
  let offers: AsyncStream<Weft_Scheduler_V1_Capabilities>.Continuation

  func join(
    request: RPCAsyncSequence<Weft_Scheduler_V1_JoinRequest, any Error>,
    response: RPCWriter<Weft_Scheduler_V1_JoinResponse>,
    context: ServerContext
  ) async throws {
    for try await message in request { offers.yield(message.capabilities) }
  }

  func generate(
    request: Weft_Scheduler_V1_GenerateRequest,
    response: RPCWriter<Weft_Scheduler_V1_GenerateResponse>,
    context: ServerContext
  ) async throws {
    throw RPCError(code: .unimplemented, message: "nothing is generated here")
  }

  func getStatus(
    request: Weft_Scheduler_V1_GetStatusRequest,
    context: ServerContext
  ) async throws -> Weft_Scheduler_V1_GetStatusResponse { .init() }
}
