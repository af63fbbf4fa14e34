import GRPCCore
import GRPCCoreTransport
import MeshProtos
import MeshTypes
import ServiceTesting
import SwiftProtobuf
import Synchronization

/// A scheduler that plays a script: one act for each call of Generate, in turn or by the call's seed.
final class FakeScheduler: Weft_Scheduler_V1_SchedulerService.SimpleServiceProtocol {
  /// What one call says before it ends.
  struct Act {
    var tokenIDs: [UInt32] = []
    /// Whether each token comes with a probability: the logarithm is its number, negative.
    var tellsLogprobs = false
    /// Nil ends the call with `unavailable`, as a scheduler that dies does.
    var reason: Weft_Types_V1_FinishReason?
    /// Ends the call with this instead.
    var error: MeshError?
    /// Says nothing before there are so many calls.
    var awaitedCalls = 0
    /// Whether the call only ends when it is cancelled.
    var hangs = false
  }

  private let acts: Mutex<[Act]>
  private let actsBySeed: [UInt64: Act]
  private let received = Mutex<[Weft_Scheduler_V1_GenerateRequest]>([])
  private let cancelled = Mutex(0)
  private let times = Mutex<[Duration?]>([])
  private let encore: Act
  private let status: Weft_Scheduler_V1_GetStatusResponse

  init(bySeed acts: [UInt64: Act]) {
    self.acts = Mutex([])
    actsBySeed = acts
    encore = Act()
    status = .init()
  }

  /// - Parameters:
  ///   - encore: What every call says when the acts are over.
  ///   - workers: How fast its workers are, in prompt tokens a second.
  init(_ acts: [Act], encore: Act = Act(), workers: [Double] = []) {
    self.acts = Mutex(acts)
    actsBySeed = [:]
    self.encore = encore
    status = .with {
      $0.workers = workers.map { speed in
        .with {
          $0.capabilities = .with {
            $0.model = "fake"
            $0.vocabularySize = 1000
            $0.contextLength = 4096
            $0.blockSize = 16
            $0.blockCount = 256
            $0.prefillTokensPerSecond = speed
          }
        }
      }
    }
  }

  /// Calls that hung and were cancelled.
  var cancelledCount: Int { cancelled.withLock { $0 } }

  /// The requests so far.
  var requests: [Weft_Scheduler_V1_GenerateRequest] { received.withLock { $0 } }

  /// How much time each of them had.
  var remainingTimes: [Duration?] { times.withLock { $0 } }

  func generate(
    request: Weft_Scheduler_V1_GenerateRequest,
    response: RPCWriter<Weft_Scheduler_V1_GenerateResponse>,
    context: ServerContext
  ) async throws {
    received.withLock { $0.append(request) }
    times.withLock { $0.append(context.remainingTime) }
    let act =
      actsBySeed[request.sampling.seed]
      ?? acts.withLock { $0.isEmpty ? encore : $0.removeFirst() }
    try await eventually { requests.count >= act.awaitedCalls }
    for tokenID in act.tokenIDs {
      try await response.write(
        .with {
          $0.tokenIds = [tokenID]
          if act.tellsLogprobs {
            $0.logprobs = [
              .with {
                $0.token.tokenID = tokenID
                $0.token.logprob = -Float(tokenID)
              }
            ]
          }
        }
      )
    }
    if act.hangs {
      try await context.cancellation.cancelled
      cancelled.withLock { $0 += 1 }
      throw RPCError(code: .cancelled, message: "the call was cancelled")
    }
    if let error = act.error { throw error }
    guard let reason = act.reason else {
      throw RPCError(code: .unavailable, message: "the fake scheduler dies")
    }
    try await response.write(.with { $0.finish = .with { $0.reason = reason } })
  }

  func join(
    request: RPCAsyncSequence<Weft_Scheduler_V1_JoinRequest, any Error>,
    response: RPCWriter<Weft_Scheduler_V1_JoinResponse>,
    context: ServerContext
  ) async throws {
    throw RPCError(code: .unimplemented, message: "no worker joins a fake scheduler")
  }

  func getStatus(
    request: Weft_Scheduler_V1_GetStatusRequest,
    context: ServerContext
  ) async throws -> Weft_Scheduler_V1_GetStatusResponse { status }
}
