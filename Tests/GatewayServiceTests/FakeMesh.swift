import GRPCCore
import GRPCCoreTransport
import GatewayService
import MeshProtos
import MeshRuntime
import ServiceLifecycle
import ServiceTesting
import SwiftProtobuf

/// A tokenizer whose tokens are the texts of their numbers.
struct FakeTokenizer: Weft_Tokenizer_V1_TokenizerService.SimpleServiceProtocol {
  /// Whether it dies over the first tokens that it is to decode.
  var breaks = false

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
      guard !breaks else { throw RPCError(code: .unavailable, message: "the fake tokenizer dies") }
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

/// A client of a real gateway before fakes.
struct FakeMeshClient: Sendable {
  let gateway: Weft_Gateway_V1_GatewayService.Client<CoreClientTransport>

  /// Streams one request.
  ///
  /// - Parameter timeout: The client's deadline; nil for none.
  func stream(
    _ request: Weft_Gateway_V1_GenerateRequest,
    timeout: Duration? = .seconds(120)
  ) async throws -> Streamed {
    var options = CallOptions.defaults
    options.timeout = timeout
    return try await gateway.generate(request, options: options) { response in
      var streamed = Streamed()
      for try await part in response.messages {
        streamed.text += part.text
        streamed.tokenIDs += part.tokenIds
        streamed.logprobs += part.logprobs
        if part.hasFinish { streamed.finish = part.finish }
      }
      return streamed
    }
  }
}

/// Runs a real gateway before `scheduler` and a fake tokenizer, and streams one request of one output.
func stream(
  _ request: Weft_Gateway_V1_GenerateRequest,
  from scheduler: FakeScheduler,
  _ tokenizer: FakeTokenizer = FakeTokenizer()
) async throws -> Streamed {
  try await withGateway(to: [scheduler], tokenizer) { try await $0.stream(request) }
}

/// A gateway's client.
typealias GatewayStub = Weft_Gateway_V1_GatewayService.Client<CoreClientTransport>

/// Runs `body` with a real gateway before `scheduler` and a fake tokenizer.
func withGateway<Result: Sendable>(
  before scheduler: FakeScheduler,
  _ body: @escaping @Sendable (GatewayStub) async throws -> Result
) async throws -> Result {
  try await withGateway(to: [scheduler]) { try await body($0.gateway) }
}

/// Runs a real gateway before some schedulers and a fake tokenizer, and `body` with a client of it.
///
/// - Parameter others: Further schedulers' addresses.
func withGateway<Result: Sendable>(
  to schedulers: [FakeScheduler],
  at others: [TransportAddress] = [],
  _ tokenizer: FakeTokenizer = FakeTokenizer(),
  _ body: @Sendable (FakeMeshClient) async throws -> Result
) async throws -> Result {
  if let first = schedulers.first {
    return try await withServer([first]) { _, address in
      try await withGateway(
        to: Array(schedulers.dropFirst()),
        at: others + [address],
        tokenizer,
        body
      )
    }
  }
  return try await withServer([tokenizer]) { _, address in
    let settings = try await settings([
      "tokenizer": "\(address)", "scheduler": others.map { "\($0)" }.joined(separator: ","),
    ])
    var gatewaySettings = try await GatewaySettings(settings)
    // However busy this machine is, nobody is taken for dead.
    gatewaySettings.statusTimeout = .seconds(60)
    gatewaySettings.resubmission = Backoff(first: .milliseconds(5), longest: .milliseconds(50))
    let gateway = Gateway(settings: gatewaySettings, logger: .silent)
    return try await withThrowingTaskGroup(of: Void.self) { group in
      for service in gateway.services { group.addTask { try await service.run() } }
      defer { group.cancelAll() }
      return try await withClient(of: try await gateway.server.boundAddress) { client in
        let client = FakeMeshClient(gateway: .init(wrapping: client))
        // The gateway hears of everybody's workers before the first request.
        if others.count > 1 { _ = try? await client.gateway.listModels(.init(), options: .bounded) }
        return try await body(client)
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
