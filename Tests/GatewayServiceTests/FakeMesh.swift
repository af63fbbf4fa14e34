import GRPCCore
import GRPCCoreTransport
import GatewayService
import MeshProtos
import MeshRuntime
import MeshTypes
import ServiceLifecycle
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

  init(_ acts: [Act]) {
    self.acts = Mutex(acts)
    actsBySeed = [:]
  }

  init(bySeed acts: [UInt64: Act]) {
    self.acts = Mutex([])
    actsBySeed = acts
  }

  /// Calls that hung and were cancelled.
  var cancelledCount: Int { cancelled.withLock { $0 } }

  /// The requests so far.
  var requests: [Weft_Scheduler_V1_GenerateRequest] { received.withLock { $0 } }

  func generate(
    request: Weft_Scheduler_V1_GenerateRequest,
    response: RPCWriter<Weft_Scheduler_V1_GenerateResponse>,
    context: ServerContext
  ) async throws {
    received.withLock { $0.append(request) }
    let act =
      actsBySeed[request.sampling.seed]
      ?? acts.withLock { $0.isEmpty ? Act() : $0.removeFirst() }
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
  ) async throws -> Weft_Scheduler_V1_GetStatusResponse { .init() }
}

/// A tokenizer whose tokens are the texts of their numbers.
struct FakeTokenizer: Weft_Tokenizer_V1_TokenizerService.SimpleServiceProtocol {
  func describeModel(
    request: Weft_Tokenizer_V1_DescribeModelRequest,
    context: ServerContext
  ) async throws -> Weft_Tokenizer_V1_DescribeModelResponse {
    .with {
      $0.model = "fake"
      $0.vocabularySize = 1000
      $0.endTokenIds = [0]
    }
  }

  func encode(
    request: Weft_Tokenizer_V1_EncodeRequest,
    context: ServerContext
  ) async throws -> Weft_Tokenizer_V1_EncodeResponse {
    .with { $0.tokenIds = request.text.utf8.map(UInt32.init) }
  }

  func decode(
    request: RPCAsyncSequence<Weft_Tokenizer_V1_DecodeRequest, any Error>,
    response: RPCWriter<Weft_Tokenizer_V1_DecodeResponse>,
    context: ServerContext
  ) async throws {
    for try await message in request {
      guard case .tokens(let tokens) = message.step else { continue }
      try await response.write(
        .with {
          $0.text = tokens.ids.map { "\($0) " }.joined()
          $0.tokenIds = tokens.ids
        }
      )
    }
    try await response.write(.init())
  }

  func applyChatTemplate(
    request: Weft_Tokenizer_V1_ApplyChatTemplateRequest,
    context: ServerContext
  ) async throws -> Weft_Tokenizer_V1_ApplyChatTemplateResponse {
    .with { $0.tokenIds = request.messages.flatMap { $0.content.utf8.map(UInt32.init) } }
  }
}

/// What a client saw of a stream.
struct Streamed: Sendable {
  var text = ""
  var tokenIDs: [UInt32] = []
  var logprobs: [Weft_Types_V1_TokenLogprobs] = []
  var finish = Weft_Gateway_V1_Finish()
}

/// Runs a real gateway before `scheduler` and a fake tokenizer, and streams one request of one output.
func stream(
  _ request: Weft_Gateway_V1_GenerateRequest,
  from scheduler: FakeScheduler
) async throws -> Streamed {
  try await withGateway(before: scheduler) { try await $0.parts(of: request) }.output(0)
}

/// A gateway's client.
typealias GatewayStub = Weft_Gateway_V1_GatewayService.Client<CoreClientTransport>

/// Runs `body` with a real gateway before `scheduler` and a fake tokenizer.
func withGateway<Result: Sendable>(
  before scheduler: FakeScheduler,
  _ body: @escaping @Sendable (GatewayStub) async throws -> Result
) async throws -> Result {
  try await withServer([scheduler, FakeTokenizer()]) { _, address in
    let settings = try await settings(["tokenizer": "\(address)", "scheduler": "\(address)"])
    let gateway = Gateway(settings: try await GatewaySettings(settings), logger: .silent)
    return try await withThrowingTaskGroup(of: Void.self) { group in
      for service in gateway.services { group.addTask { try await service.run() } }
      defer { group.cancelAll() }
      return try await withClient(of: try await gateway.server.boundAddress) { client in
        try await body(Weft_Gateway_V1_GatewayService.Client(wrapping: client))
      }
    }
  }
}

extension GatewayStub {
  /// Streams one request.
  func parts(
    of request: Weft_Gateway_V1_GenerateRequest
  ) async throws -> [Weft_Gateway_V1_GenerateResponse] {
    try await generate(request, options: .bounded) { response in
      try await response.messages.reduce(into: []) { $0.append($1) }
    }
  }
}

extension [Weft_Gateway_V1_GenerateResponse] {
  /// What they say of one output.
  func output(_ index: UInt32) -> Streamed {
    var streamed = Streamed()
    for part in self where part.index == index {
      streamed.text += part.text
      streamed.tokenIDs += part.tokenIds
      streamed.logprobs += part.logprobs
      if part.hasFinish { streamed.finish = part.finish }
    }
    return streamed
  }
}
