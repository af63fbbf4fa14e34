import GRPCCore
import GRPCCoreTransport
import Logging
import MeshProtos
import MeshRuntime
import MeshTypes
import SwiftProtobuf

/// The gateway's gRPC API: validates, tokenizes, and streams what the mesh produces.
struct GatewayRPC: Weft_Gateway_V1_GatewayService.ServiceProtocol {
  let models: ModelDirectory
  let tokenizer: Weft_Tokenizer_V1_TokenizerService.Client<CoreClientTransport>
  let cells: SchedulerCells
  let grammars = GrammarCheck()
  let requestTimeout: Duration
  let logger: Logger

  private static let maximumTextBytes = 4 << 20

  func generate(
    request: ServerRequest<Weft_Gateway_V1_GenerateRequest>,
    context: ServerContext
  ) async throws -> StreamingServerResponse<Weft_Gateway_V1_GenerateResponse> {
    respond(request.metadata, context) { call in
      try await call.generation(for: request.message)
    } message: { part in
      .with {
        $0.text = part.text
        $0.tokenIds = part.tokenIDs
        $0.logprobs = part.logprobs
        if let finish = part.finish { $0.finish = finish }
        $0.index = UInt32(part.index)
      }
    }
  }

  func chat(
    request: ServerRequest<Weft_Gateway_V1_ChatRequest>,
    context: ServerContext
  ) async throws -> StreamingServerResponse<Weft_Gateway_V1_ChatResponse> {
    respond(request.metadata, context) { call in
      try await call.generation(for: request.message)
    } message: { part in
      .with {
        $0.text = part.text
        $0.tokenIds = part.tokenIDs
        $0.logprobs = part.logprobs
        if let finish = part.finish { $0.finish = finish }
        $0.index = UInt32(part.index)
      }
    }
  }

  func listModels(
    request: ServerRequest<Weft_Gateway_V1_ListModelsRequest>,
    context: ServerContext
  ) async throws -> ServerResponse<Weft_Gateway_V1_ListModelsResponse> {
    let models = try await models.list()
    return ServerResponse(message: .with { $0.models = models })
  }

  private func respond<Message: Sendable>(
    _ metadata: Metadata,
    _ context: ServerContext,
    prepare: @escaping @Sendable (GatewayCall) async throws -> GenerationRequest,
    message: @escaping @Sendable (GenerationPart) -> Message
  ) -> StreamingServerResponse<Message> {
    let arrival = ContinuousClock.now
    // The client's own deadline goes down to the scheduler, which refuses what cannot meet it.
    let deadline = min(arrival + requestTimeout, context.deadline ?? arrival + requestTimeout)
    let requestID = RequestID.adopted(from: metadata)
    var logger = logger
    logger[metadataKey: "request-id"] = "\(requestID)"
    let call = GatewayCall(
      models: models,
      tokenizer: tokenizer,
      grammars: grammars,
      requestID: requestID,
      maximumTextBytes: Self.maximumTextBytes
    )
    return StreamingServerResponse(metadata: RequestID.metadata(requestID)) { [logger] writer in
      do {
        try await withTaskCancelledByRPC(context) {
          let generation = try await prepare(call)
          let stream = GenerationStream(
            request: generation,
            requestID: requestID,
            arrival: arrival,
            tokenized: .now,
            deadline: deadline,
            tokenizer: tokenizer,
            cells: cells,
            logger: logger
          )
          try await GenerationOutputs(stream: stream).run { part in
            try await writer.write(message(part))
            if let finish = part.finish { log(finish, of: part.index, logger) }
          }
        }
      } catch {
        logger.info("request failed", metadata: ["error": "\(error)"])
        throw error
      }
      return [:]
    }
  }

  private func log(_ finish: Weft_Gateway_V1_Finish, of output: Int, _ logger: Logger) {
    logger.info(
      "request finished",
      metadata: [
        "output": "\(output)", "reason": "\(finish.reason)",
        "prompt-tokens": "\(finish.usage.promptTokens)",
        "completion-tokens": "\(finish.usage.completionTokens)",
        "ttft-ms": "\(Int(finish.timings.firstTokenMilliseconds))",
        "total-ms": "\(Int(finish.timings.totalMilliseconds))",
      ]
    )
  }
}
