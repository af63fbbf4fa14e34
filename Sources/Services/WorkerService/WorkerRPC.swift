import GRPCCore
import Logging
import MeshProtos

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
    try await PlanExecution(engine: engine, mover: mover, logger: logger).run(request, response)
  }
}
