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
  let logger: Logger

  func execute(
    request: RPCAsyncSequence<Weft_Worker_V1_ExecuteRequest, any Error>,
    response: RPCWriter<Weft_Worker_V1_ExecuteResponse>,
    context: ServerContext
  ) async throws {
    var current: (epoch: UInt64, call: UInt64)?
    for try await plan in request {
      if current == nil {
        current = (plan.epoch, await engine.begin(epoch: plan.epoch))
        logger.info("executing", metadata: ["epoch": "\(plan.epoch)"])
      }
      guard let current, plan.epoch == current.epoch else {
        throw MeshError.invalid("epoch", "must be the same in every plan of a call")
      }
      try await response.write(try await engine.execute(plan, of: current.call))
    }
  }
}
