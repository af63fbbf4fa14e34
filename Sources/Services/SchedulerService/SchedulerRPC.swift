import GRPCCore
import GRPCCoreTransport
import Logging
import MeshProtos
import MeshRuntime
import MeshTypes
import Scheduling
import ServiceLifecycle
import SwiftProtobuf

/// The scheduler's gRPC API.
struct SchedulerRPC: Weft_Scheduler_V1_SchedulerService.SimpleServiceProtocol {
  let dispatcher: Dispatcher
  let clock: SchedulerClock
  let logger: Logger

  func generate(
    request: Weft_Scheduler_V1_GenerateRequest,
    response: RPCWriter<Weft_Scheduler_V1_GenerateResponse>,
    context: ServerContext
  ) async throws {
    if !request.model.isEmpty, let model = dispatcher.model, model != request.model {
      throw MeshError(
        .notFound,
        "model \"\(request.model.prefix(200))\" is not served; \"\(model)\" is",
        field: "model"
      )
    }
    let deadline = context.remainingTime.map { clock.time(after: $0) }
    let (id, events) = try dispatcher.submit { (id, maxSequenceTokens) throws(MeshError) in
      var sequence = try SequenceRequest(request, id: id, maxSequenceTokens: maxSequenceTokens)
      sequence.deadlineMicroseconds = deadline
      return sequence
    }
    logger.debug(
      "sequence submitted",
      metadata: [
        "request-id": "\(request.requestID.prefix(128))", "sequence": "\(id.rawValue)",
        "prompt-tokens": "\(request.promptTokenIds.count)",
      ]
    )
    defer { dispatcher.cancel(id) }
    try await withTaskCancelledByRPC(context) {
      try await withThrowingTaskGroup(of: Void.self) { group in
        // No step may ever come that would notice.
        if let deadline { group.addTask { try await endSequences(at: deadline) } }
        defer { group.cancelAll() }
        for try await event in events { try await response.write(event) }
      }
    }
  }

  private func endSequences(at deadline: Int) async throws {
    try await clock.sleep(deadline)
    dispatcher.endOverdue()
  }

  func join(
    request: RPCAsyncSequence<Weft_Scheduler_V1_JoinRequest, any Error>,
    response: RPCWriter<Weft_Scheduler_V1_JoinResponse>,
    context: ServerContext
  ) async throws {
    try await withTaskCancelledByRPC(context) {
      try await withThrowingTaskGroup(of: MembershipEnd.self) { group in
        let (offers, continuation) = AsyncStream.makeStream(
          of: Weft_Scheduler_V1_JoinRequest.self,
          bufferingPolicy: .bufferingOldest(1)
        )
        group.addTask {
          defer { continuation.finish() }
          for try await offer in request { continuation.yield(offer) }
          return .left
        }
        defer { group.cancelAll() }
        var iterator = offers.makeAsyncIterator()
        guard let offer = await iterator.next() else {
          throw MeshError.invalid("worker", "must be given in one request")
        }
        let membership = try Membership(offer, dispatcher: dispatcher, logger: logger)
        var end = MembershipEnd.lost
        defer { membership.end(end) }
        try await response.write(.with { $0.epoch = membership.epoch.rawValue })
        group.addTask { try await membership.run() }
        group.addTask {
          // A scheduler that is asked to stop lets its workers go once their sequences have ended.
          try await gracefulShutdown()
          await dispatcher.waitUntilIdle()
          return .left
        }
        end = try await group.next() ?? .lost
      }
    }
  }

  func getStatus(
    request: Weft_Scheduler_V1_GetStatusRequest,
    context: ServerContext
  ) async throws -> Weft_Scheduler_V1_GetStatusResponse {
    dispatcher.status
  }
}
