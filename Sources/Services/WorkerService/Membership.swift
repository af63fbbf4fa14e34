import GRPCCore
import GRPCCoreTransport
import Logging
import MeshProtos
import MeshRuntime
import MeshTypes
import ServiceLifecycle
import SwiftProtobuf

/// Keeps the worker joined to its scheduler: joins again, after growing delays, whenever the call
/// that stands for the membership ends.
struct Membership: Service {
  let name: String
  let server: MeshServer
  let advertise: TransportAddress?
  let capabilities: Weft_Scheduler_V1_Capabilities
  let scheduler: Weft_Scheduler_V1_SchedulerService.Client<CoreClientTransport>
  let logger: Logger

  func run() async throws {
    let bound = try await server.boundAddress
    let request = Weft_Scheduler_V1_JoinRequest.with {
      $0.worker = name
      $0.address = "\(advertise ?? bound)"
      $0.capabilities = capabilities
    }
    var backoff = Backoff()
    var generator = SystemRandomNumberGenerator()
    while !Task.isCancelled, !Task.isShuttingDownGracefully {
      do {
        try await join(request)
        backoff.reset()
      } catch {
        // A process that is being stopped closes its connections under the call.
        let isLeaving = Task.isCancelled || Task.isShuttingDownGracefully
        logger.log(
          level: isLeaving ? .debug : .warning,
          "not joined",
          metadata: ["error": "\(error)"]
        )
      }
      let delay = backoff.delay(using: &generator)
      await cancelWhenGracefulShutdown { try? await Task.sleep(for: delay) }
    }
  }

  /// Joins, and leaves by half-closing when the process is asked to stop.
  private func join(_ request: Weft_Scheduler_V1_JoinRequest) async throws {
    try await scheduler.join { writer in
      try await writer.write(request)
      try await gracefulShutdown()
    } onResponse: { response in
      for try await message in response.messages {
        logger.info("joined", metadata: ["epoch": "\(message.epoch)"])
      }
    }
    logger.info("membership ended")
  }
}
