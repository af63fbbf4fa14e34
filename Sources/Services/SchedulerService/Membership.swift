import GRPCCore
import GRPCCoreTransport
import Logging
import MeshProtos
import MeshRuntime
import MeshTypes
import Scheduling

/// How a membership ends.
enum MembershipEnd {
  /// The worker took its leave.
  case left
  /// The worker, or the way to it, broke.
  case lost
}

/// One worker's membership: the Execute call to it, its plans out, its results in.
struct Membership: Sendable {
  /// What its plans carry.
  let epoch: Epoch
  private let address: TransportAddress
  private let plans: AsyncStream<Weft_Worker_V1_ExecuteRequest>
  private let dispatcher: Dispatcher
  private let logger: Logger

  /// Makes the worker a member; ``end(_:)`` must follow.
  ///
  /// - Throws: ``MeshError`` naming the field of the offer that is at fault.
  init(
    _ offer: Weft_Scheduler_V1_JoinRequest,
    dispatcher: Dispatcher,
    logger: Logger
  ) throws(MeshError) {
    self.dispatcher = dispatcher
    address = try TransportAddress(parsing: offer.address, field: "address")
    (epoch, plans) = try dispatcher.join(offer)
    var logger = logger
    logger[metadataKey: "worker"] = "\(offer.worker)"
    logger[metadataKey: "epoch"] = "\(epoch.rawValue)"
    self.logger = logger
    logger.info(
      "worker joined",
      metadata: ["address": "\(address)", "blocks": "\(offer.capabilities.blockCount)"]
    )
  }

  /// Executes plans until they end or the worker fails.
  func run() async throws -> MembershipEnd {
    let client = MeshClient(address: address, keepalive: .whileWorking)
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await client.grpc.runConnections() }
      defer { client.grpc.beginGracefulShutdown() }
      let worker = Weft_Worker_V1_WorkerService.Client(wrapping: client.grpc)
      try await worker.execute { writer in
        for await plan in plans { try await writer.write(plan) }
      } onResponse: { response in
        // Not before: sequences that were given to a worker are suspected when it is lost.
        if case .success = response.accepted { dispatcher.open(epoch) }
        for try await result in response.messages { dispatcher.complete(result) }
      }
      return .lost
    }
  }

  /// Takes the worker out: its sequences go on elsewhere.
  func end(_ end: MembershipEnd) {
    dispatcher.remove(epoch, isLoss: end == .lost)
    logger.info(end == .left ? "worker left" : "worker lost")
  }
}
