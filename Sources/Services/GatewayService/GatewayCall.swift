import GRPCCore
import GRPCCoreTransport
import MeshProtos
import MeshRuntime
import MeshTypes
import SwiftProtobuf

/// Turns one call's message into a validated ``GenerationRequest``, asking the tokenizer for ids.
struct GatewayCall: Sendable {
  let models: ModelDirectory
  let tokenizer: Weft_Tokenizer_V1_TokenizerService.Client<CoreClientTransport>
  let grammars: GrammarCheck
  let requestID: String
  let maximumTextBytes: Int

  private static let maximumMessages = 4096

  func generation(
    for message: Weft_Gateway_V1_GenerateRequest
  ) async throws -> GenerationRequest {
    let model = try await models.model(named: message.model)
    switch message.prompt {
    case .text(let text):
      guard !text.isEmpty else { throw MeshError.invalid("text", "must not be empty") }
      try checkSize(text.utf8.count, field: "text")
      // The options are checked before the tokenizer is troubled.
      try await check(try request([0], "text", message.options, model))
      let encoded = try await tokenizer.encode(
        .with {
          $0.text = text
          $0.parseSpecialTokens = message.parseSpecialTokens
        },
        metadata: RequestID.metadata(requestID),
        options: .unaryDefaults
      )
      return try request(encoded.tokenIds, "text", message.options, model)
    case .tokenIds(let tokenIDs):
      let request = try request(tokenIDs.ids, "token_ids", message.options, model)
      try await check(request)
      return request
    case nil:
      throw MeshError.invalid("prompt", "must be given as text or token_ids")
    }
  }

  func generation(for message: Weft_Gateway_V1_ChatRequest) async throws -> GenerationRequest {
    let model = try await models.model(named: message.model)
    guard (1...Self.maximumMessages).contains(message.messages.count) else {
      throw MeshError.invalid(
        "messages",
        "must have 1...\(Self.maximumMessages) entries, got \(message.messages.count)"
      )
    }
    try checkSize(message.messages.reduce(0) { $0 + $1.content.utf8.count }, field: "messages")
    try await check(try request([0], "messages", message.options, model))
    let prompt = try await tokenizer.applyChatTemplate(
      .with { $0.messages = message.messages },
      metadata: RequestID.metadata(requestID),
      options: .unaryDefaults
    )
    return try request(prompt.tokenIds, "messages", message.options, model)
  }

  private func check(_ request: GenerationRequest) async throws(MeshError) {
    if let source = request.sampling.structuredOutput { try await grammars.check(source) }
  }

  private func checkSize(_ bytes: Int, field: String) throws(MeshError) {
    guard bytes <= maximumTextBytes else {
      throw .invalid(field, "must have at most \(maximumTextBytes) bytes of text, got \(bytes)")
    }
  }

  private func request(
    _ tokenIDs: [TokenID],
    _ field: String,
    _ options: Weft_Gateway_V1_GenerationOptions,
    _ model: Weft_Tokenizer_V1_DescribeModelResponse
  ) throws(MeshError) -> GenerationRequest {
    try GenerationRequest(
      promptTokenIDs: tokenIDs,
      promptField: field,
      options: options,
      model: model,
      seed: UInt64.random(in: .min ... .max)
    )
  }
}
