import GRPCCore
import Logging
import MeshProtos
import MeshRuntime
import MeshTypes
import SwiftProtobuf
import Synchronization

/// The worker's gRPC API: the scheduler's plans in, results out.
struct WorkerRPC: Weft_Worker_V1_WorkerService.SimpleServiceProtocol {
  let engine: StepEngine
  /// nil without a KV store.
  let mover: BlockMover?
  let logger: Logger

  func execute(
    request: RPCAsyncSequence<Weft_Worker_V1_ExecuteRequest, any Error>,
    response: RPCWriter<Weft_Worker_V1_ExecuteResponse>,
    context: ServerContext
  ) async throws {
    // At most one for each plan in flight, and one for each load.
    let (results, continuation) = AsyncStream.makeStream(of: Weft_Worker_V1_ExecuteResponse.self)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { for await result in results { try await response.write(result) } }
      var current: (epoch: UInt64, call: UInt64)?
      var transfers: BlockTransfers?
      defer {
        transfers?.close()
        continuation.finish()
      }
      for try await plan in request {
        if current == nil {
          let begun = mover.map {
            BlockTransfers(mover: $0, epoch: plan.epoch, responses: continuation)
          }
          transfers = begun
          if let begun { group.addTask { await begun.run() } }
          current = (plan.epoch, await engine.begin(epoch: plan.epoch, transfers: begun))
          logger.info("executing", metadata: ["epoch": "\(plan.epoch)"])
        }
        guard let current, plan.epoch == current.epoch else {
          throw MeshError.invalid("epoch", "must be the same in every plan of a call")
        }
        let result = try await engine.execute(plan, of: current.call)
        if let transfers { transfers.answer(result) } else { continuation.yield(result) }
      }
      transfers?.close()
      continuation.finish()
      try await group.waitForAll()
      if let mover { logger.debug("moved", metadata: ["blocks": "\(mover.statistics)"]) }
    }
  }
}
