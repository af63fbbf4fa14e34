import GRPCCore
import Logging
import MeshProtos
import MeshTypes
import SwiftProtobuf

/// One Execute call: reads plans, has the engine run them, and writes results, all at the same time.
struct PlanExecution: Sendable {
  let engine: StepEngine
  /// nil without a KV store.
  let mover: BlockMover?
  let logger: Logger

  private let plans = PlanQueue()
  private let results: AsyncStream<Weft_Worker_V1_ExecuteResponse>
  private let continuation: AsyncStream<Weft_Worker_V1_ExecuteResponse>.Continuation

  init(engine: StepEngine, mover: BlockMover?, logger: Logger) {
    self.engine = engine
    self.mover = mover
    self.logger = logger
    // At most one for each plan in flight, and one for each load.
    (results, continuation) = AsyncStream.makeStream()
  }

  /// Runs until the scheduler has no more plans, and all of them are answered.
  ///
  /// - Throws: What is wrong with a plan, or `failedPrecondition` once another call has taken over.
  func run(
    _ request: RPCAsyncSequence<Weft_Worker_V1_ExecuteRequest, any Error>,
    _ response: RPCWriter<Weft_Worker_V1_ExecuteResponse>
  ) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { for await result in results { try await response.write(result) } }
      group.addTask {
        defer { plans.finish() }
        for try await plan in request { try plans.append(plan) }
      }
      group.addTask {
        defer { continuation.finish() }
        try await runPlans()
      }
      // One by one, so that the first failure ends the others.
      while try await group.next() != nil {}
    }
  }

  private func runPlans() async throws {
    var arrivals = plans.arrivals.makeAsyncIterator()
    guard await arrivals.next() != nil, let epoch = plans.nextEpoch else { return }
    logger.info("executing", metadata: ["epoch": "\(epoch)"])
    let transfers = mover.map { BlockTransfers(mover: $0, epoch: epoch, responses: continuation) }
    let call = await engine.begin(epoch: epoch, transfers: transfers)
    try await withThrowingTaskGroup(of: Void.self) { group in
      if let transfers { group.addTask { await transfers.run() } }
      defer { transfers?.close() }
      repeat {
        try await engine.run(plans, of: call) { result in
          if let transfers { transfers.answer(result) } else { continuation.yield(result) }
        }
      } while await arrivals.next() != nil
    }
    if let mover { logger.debug("moved", metadata: ["blocks": "\(mover.statistics)"]) }
  }
}
