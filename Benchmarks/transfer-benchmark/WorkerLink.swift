import BlockCache
import FoundationEssentials
import GRPCCore
import GRPCCoreTransport
import MeshProtos
import MeshTypes
import SwiftProtobuf

/// One Execute call to a worker, for one task: what a scheduler would send, timed.
final class WorkerLink {
  typealias Plan = Weft_Worker_V1_ExecuteRequest
  typealias Response = Weft_Worker_V1_ExecuteResponse
  typealias LoadResult = Weft_Worker_V1_LoadResult

  /// Tokens in a KV block.
  static let blockTokens = 16
  static let namespace = "benchmark"
  private static let vocabulary = 49_152

  private let plans: AsyncStream<Plan>.Continuation
  private let responses: AsyncStream<Response>
  private var step: UInt64 = 0
  private var sequence: UInt64 = 0
  private var load: UInt64 = 0
  private var store: UInt64 = 0

  private init(_ plans: AsyncStream<Plan>.Continuation, _ responses: AsyncStream<Response>) {
    self.plans = plans
    self.responses = responses
  }

  /// Runs `body` with a call to the worker at `address`, once that answers.
  static func with<Result: Sendable>(
    _ address: TransportAddress,
    _ body: (WorkerLink) async throws -> Result
  ) async throws -> Result {
    let (plans, planContinuation) = AsyncStream.makeStream(of: Plan.self)
    let (responses, responseContinuation) = AsyncStream.makeStream(of: Response.self)
    var options = CallOptions.defaults
    options.waitForReady = true
    return try await withGRPCClient(transport: CoreClientTransport(address: address)) { client in
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { [options] in
          defer { responseContinuation.finish() }
          let worker = Weft_Worker_V1_WorkerService.Client(wrapping: client)
          try await worker.execute(options: options) { writer in
            for await plan in plans { try await writer.write(plan) }
          } onResponse: { response in
            for try await message in response.messages { responseContinuation.yield(message) }
          }
        }
        let result = try await body(WorkerLink(planContinuation, responses))
        planContinuation.finish()
        try await group.waitForAll()
        return result
      }
    }
  }

  private func send(_ change: (inout Plan) -> Void) {
    step += 1
    var plan = Plan.with {
      $0.epoch = 1
      $0.step = step
    }
    change(&plan)
    plans.yield(plan)
  }

  /// The next response for which `body` has a value.
  private func receive<Value>(_ body: (Response) throws -> Value?) async throws -> Value {
    for await response in responses {
      if let failure = response.failures.first {
        throw MeshError(.internalError, "the worker refuses: \(failure.message)")
      }
      if let value = try body(response) { return value }
    }
    throw MeshError(.unavailable, "the worker has ended the call")
  }

  /// Computes the first positions of a sequence into the blocks from 0 on, `chunk` of them a step.
  func compute(tokens: Int, chunk: Int) async throws -> Computation {
    let start = ContinuousClock.now
    sequence += 1
    let firstStep = step + 1
    let ids = (0..<tokens).map { UInt32($0 * 7919 % Self.vocabulary) }
    for first in stride(from: 0, to: tokens, by: chunk) {
      let range = first..<min(first + chunk, tokens)
      send { plan in
        if first == 0 {
          plan.releasedSequences = [sequence - 1]
          plan.starts = [
            .with {
              $0.sequence = sequence
              $0.tokenIds = ids
            }
          ]
        }
        plan.slices = [
          .with {
            $0.sequence = sequence
            $0.startPosition = UInt32(first)
            $0.tokenCount = UInt32(range.count)
            $0.appendedBlocks = (first / Self.blockTokens..<range.upperBound / Self.blockTokens)
              .map { UInt32($0) }
          }
        ]
      }
    }
    var stepMicroseconds: [Double] = []
    while UInt64(stepMicroseconds.count) + firstStep <= step {
      stepMicroseconds.append(
        try await receive { $0.step == 0 ? nil : Double($0.computeMicroseconds) }
      )
    }
    return Computation(
      tokens: tokens,
      chunk: chunk,
      milliseconds: (.now - start) / .milliseconds(1),
      stepMicroseconds: stepMicroseconds
    )
  }

  /// Puts the blocks from 0 on into the store and waits until that has been tried.
  func put(_ keys: [BlockKey]) async throws {
    store += 1
    send { plan in
      plan.stores = [
        .with {
          $0.namespace = Self.namespace
          $0.blocks = keys.indices.map { UInt32($0) }
          $0.keys = Data(keys.flatMap(\.bytes))
          $0.store = store
        }
      ]
    }
    try await receive { $0.storesDone >= store ? () : nil }
  }

  /// Fetches blocks into those from `firstBlock` on.
  ///
  /// - Returns: What the worker reports, and the time until the report was here.
  func fetch(
    _ keys: [BlockKey],
    firstBlock: Int
  ) async throws -> (result: LoadResult, milliseconds: Double) {
    let start = ContinuousClock.now
    load += 1
    send { plan in
      plan.loads = [
        .with {
          $0.load = load
          $0.namespace = Self.namespace
          $0.blocks = keys.indices.map { UInt32(firstBlock + $0) }
          $0.keys = Data(keys.flatMap(\.bytes))
          $0.timeoutMilliseconds = 600_000
        }
      ]
    }
    let result = try await receive { response in
      response.finishedLoads.first { $0.load == load }
    }
    return (result, (.now - start) / .milliseconds(1))
  }
}
