import GRPCCore
import GRPCCoreTransport
import MeshProtos
import SwiftProtobuf
import Synchronization

/// A scheduler that plays a script: one act for each call of Generate.
final class FakeScheduler: Weft_Scheduler_V1_SchedulerService.SimpleServiceProtocol {
  /// What one call says before it ends.
  struct Act {
    var tokenIDs: [UInt32] = []
    /// Whether each token comes with a probability: the logarithm is its number, negative.
    var tellsLogprobs = false
    /// Nil ends the call with ``error``.
    var reason: Weft_Types_V1_FinishReason?
    /// What a scheduler that dies brings about.
    var error = RPCError.Code.unavailable
  }

  private let acts: Mutex<[Act]>
  private let received = Mutex<[Weft_Scheduler_V1_GenerateRequest]>([])
  private let times = Mutex<[Duration?]>([])
  private let encore: Act
  private let status: Weft_Scheduler_V1_GetStatusResponse

  /// - Parameters:
  ///   - encore: What every call says when the acts are over.
  ///   - workers: How fast its workers are, in prompt tokens a second.
  init(_ acts: [Act], encore: Act = Act(), workers: [Double] = []) {
    self.acts = Mutex(acts)
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
    let act = acts.withLock { $0.isEmpty ? encore : $0.removeFirst() }
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
    guard let reason = act.reason else {
      throw RPCError(code: act.error, message: "the fake scheduler does not go on")
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
