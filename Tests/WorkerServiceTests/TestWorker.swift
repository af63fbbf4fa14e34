import GRPCCore
import GRPCCoreTransport
import Logging
import MeshProtos
import MeshRuntime
import ServiceLifecycle
import ServiceTesting
import SwiftProtobuf
import TestSupport
import WorkerService

typealias Plan = Weft_Worker_V1_ExecuteRequest
typealias StepResult = Weft_Worker_V1_ExecuteResponse

/// A model worker on the default model, without a scheduler.
struct TestWorker: Sendable {
  let client: Weft_Worker_V1_WorkerService.Client<CoreClientTransport>

  static let blockCount = 64

  /// Runs `body` with a worker of its own.
  ///
  /// - Parameters:
  ///   - flags: Settings beside a small engine.
  ///   - change: Changes what no flag does.
  static func with<Result: Sendable>(
    _ flags: [String: String] = [:],
    logger: Logger = .silent,
    _ change: (inout WorkerSettings) -> Void = { _ in },
    _ body: (TestWorker) async throws -> Result
  ) async throws -> Result {
    let reader = try await settings(
      [
        "model": DefaultModel.path, "kv-blocks": "\(blockCount)", "max-batch-tokens": "64",
        "max-batch-sequences": "16", "threads": "2", "scheduler": "unix:/nonexistent",
        "weights-cache": "off",
      ].merging(flags) { $1 }
    )
    var settings = try await WorkerSettings(reader)
    change(&settings)
    let worker = try await Worker(settings: settings, logger: logger)
    // All but the membership: there is no scheduler.
    let group = ServiceGroup(services: worker.services.dropLast(), logger: .silent)
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      let result = try await withClient(of: try await worker.server.boundAddress) { client in
        try await body(TestWorker(client: .init(wrapping: client)))
      }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
      return result
    }
  }

  /// Executes plans in one call.
  func execute(_ plans: [Plan]) async throws -> [StepResult] {
    try await client.execute(options: .bounded) { writer in
      for plan in plans { try await writer.write(plan) }
    } onResponse: { response in
      try await response.messages.reduce(into: []) { $0.append($1) }
    }
  }
}

/// A prompt whose greedy continuation is sure.
enum Capital {
  static let prompt: [UInt32] = {
    (try? GoldenPrompt.all())?.first { $0.text == "The capital of France is" }?.tokenIDs ?? []
  }()
  /// " Paris", ".".
  static let continuation: [UInt32] = [7042, 30]
}

extension Plan {
  /// The first step of ``Capital`` as sequence 1 in block 0, and what `change` adds.
  static func first(epoch: UInt64 = 1, _ change: (inout Plan) -> Void = { _ in }) -> Plan {
    var plan = Plan.with {
      $0.epoch = epoch
      $0.step = 1
      $0.starts = [.of(1, Capital.prompt)]
      $0.slices = [.of(1, 0, Capital.prompt.count, blocks: [0])]
    }
    change(&plan)
    return plan
  }

  /// The second step of ``Capital``, and what `change` adds.
  static func second(epoch: UInt64 = 1, _ change: (inout Plan) -> Void = { _ in }) -> Plan {
    var plan = Plan.with {
      $0.epoch = epoch
      $0.step = 2
      $0.slices = [.of(1, Capital.prompt.count, 1)]
    }
    change(&plan)
    return plan
  }
}

extension Weft_Worker_V1_SequenceStart {
  static func of(_ sequence: UInt64, _ tokenIDs: [UInt32]) -> Self {
    .with {
      $0.sequence = sequence
      $0.tokenIds = tokenIDs
    }
  }
}

extension Weft_Worker_V1_SequenceSlice {
  static func of(
    _ sequence: UInt64,
    _ start: Int,
    _ count: Int,
    blocks: [UInt32] = [],
    samples: Bool = true
  ) -> Self {
    .with {
      $0.sequence = sequence
      $0.startPosition = UInt32(start)
      $0.tokenCount = UInt32(count)
      $0.appendedBlocks = blocks
      $0.samples = samples
    }
  }
}
