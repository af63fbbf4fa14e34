import GRPCCore
import GRPCCoreTransport
import MeshProtos
import MeshRuntime
import SwiftProtobuf

/// Calls to a gateway, and how their streams are shown on a terminal.
struct GatewayClient {
  private let service: Weft_Gateway_V1_GatewayService.Client<CoreClientTransport>

  /// Runs `body` with a client that is connected while it runs.
  static func with<Result: Sendable>(
    _ address: TransportAddress,
    _ body: @escaping @Sendable (GatewayClient) async throws -> Result
  ) async throws -> Result {
    let client = MeshClient(address: address)
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await client.grpc.runConnections() }
      defer { client.grpc.beginGracefulShutdown() }
      return try await body(
        GatewayClient(service: Weft_Gateway_V1_GatewayService.Client(wrapping: client.grpc))
      )
    }
  }

  /// The models that the gateway offers.
  func models() async throws -> [Weft_Gateway_V1_Model] {
    var options = CallOptions.defaults
    options.timeout = .seconds(10)
    return try await service.listModels(.init(), options: options).models
  }

  /// Streams a continuation to `show`, each output with a newline at its end.
  ///
  /// - Returns: How the outputs ended, by index.
  func generate(
    _ request: Weft_Gateway_V1_GenerateRequest,
    show: @escaping @Sendable (String) -> Void
  ) async throws -> [UInt32: Weft_Gateway_V1_Finish] {
    try await service.generate(request) { response in
      var text = OutputText(count: Int(request.options.hasN ? request.options.n : 1))
      var finishes: [UInt32: Weft_Gateway_V1_Finish] = [:]
      for try await part in response.messages {
        show(text.take(part.text, of: Int(part.index), isLast: part.hasFinish))
        if part.hasFinish { finishes[part.index] = part.finish }
      }
      return finishes
    }
  }

  /// Streams an answer to `show`; returns the whole answer too.
  func chat(
    _ request: Weft_Gateway_V1_ChatRequest,
    show: @escaping @Sendable (String) -> Void
  ) async throws -> (text: String, finish: Weft_Gateway_V1_Finish) {
    try await service.chat(request) { response in
      var text = ""
      var finish = Weft_Gateway_V1_Finish()
      for try await part in response.messages {
        show(part.text)
        text += part.text
        if part.hasFinish { finish = part.finish }
      }
      return (text, finish)
    }
  }
}

extension Weft_Gateway_V1_Finish {
  /// One line for people: counts, speed, and why it ended.
  var summary: String {
    let tokens = usage.completionTokens
    let decodeSeconds = (timings.totalMilliseconds - timings.firstTokenMilliseconds) / 1000
    let speed = decodeSeconds > 0 ? Double(max(1, tokens) - 1) / decodeSeconds : 0
    let ending =
      switch reason {
      case .length: "length"
      case .stop: "stop"
      case .cancelled: "cancelled"
      default: "unknown"
      }
    return "\(usage.promptTokens) + \(tokens) tokens, first after "
      + "\(Int(timings.firstTokenMilliseconds)) ms, then \(Int(speed)) tokens/s, ended by \(ending)"
  }
}
