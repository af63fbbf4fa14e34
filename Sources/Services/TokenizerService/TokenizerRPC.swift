import ChatTemplates
import GRPCCore
import MeshProtos
import MeshRuntime
import MeshTypes
import SwiftProtobuf
import Tokenization

/// The tokenizer's gRPC API.
struct TokenizerRPC: Weft_Tokenizer_V1_TokenizerService.SimpleServiceProtocol {
  private let model: TokenizerModel
  private let worker: TextWorker

  private static let maximumTextBytes = 4 << 20
  private static let maximumRoleBytes = 64
  private static let maximumMessages = 4096
  /// Texts up to this size are encoded in place: at some MB/s that takes less than a millisecond.
  private static let inPlaceTextBytes = 4096

  init(model: TokenizerModel) {
    self.model = model
    self.worker = TextWorker(model: model)
  }

  func describeModel(
    request: Weft_Tokenizer_V1_DescribeModelRequest,
    context: ServerContext
  ) async throws -> Weft_Tokenizer_V1_DescribeModelResponse {
    .with {
      $0.model = model.name
      $0.vocabularySize = UInt32(model.tokenizer.vocabularySize)
      $0.endTokenIds = model.tokenizer.endOfGenerationTokenIDs.sorted()
      $0.hasChatTemplate_p = model.chatTemplate != nil
    }
  }

  func encode(
    request: Weft_Tokenizer_V1_EncodeRequest,
    context: ServerContext
  ) async throws -> Weft_Tokenizer_V1_EncodeResponse {
    try checkModel(request.model)
    guard request.text.utf8.count <= Self.maximumTextBytes else {
      throw MeshError.invalid(
        "text",
        "must have at most \(Self.maximumTextBytes) bytes, got \(request.text.utf8.count)"
      )
    }
    let tokenIDs = await encode(
      request.text,
      specialTokens: request.parseSpecialTokens ? .recognised : .plainText,
      addsBeginOfSequence: !request.omitBeginOfSequence && model.tokenizer.addsBeginOfSequence
    )
    return .with { $0.tokenIds = tokenIDs }
  }

  func decode(
    request: RPCAsyncSequence<Weft_Tokenizer_V1_DecodeRequest, any Error>,
    response: RPCWriter<Weft_Tokenizer_V1_DecodeResponse>,
    context: ServerContext
  ) async throws {
    var stream: DecodeStream?
    for try await message in request {
      switch (message.step, stream) {
      case (.open(let options), nil):
        try checkModel(options.model)
        stream = try DecodeStream(options, tokenizer: model.tokenizer)
      case (.tokens(let tokens), .some):
        guard let part = try stream?.append(tokens.ids) else { break }
        try await response.write(part)
      case (.open, .some):
        throw MeshError.invalid("open", "must be the first message alone")
      case (.tokens, nil):
        throw MeshError.invalid("open", "must be the first message")
      case (nil, _):
        throw MeshError.invalid("step", "must be open or tokens")
      }
    }
    guard let last = stream?.finish() else {
      throw MeshError.invalid("open", "must be the first message")
    }
    try await response.write(last)
  }

  func applyChatTemplate(
    request: Weft_Tokenizer_V1_ApplyChatTemplateRequest,
    context: ServerContext
  ) async throws -> Weft_Tokenizer_V1_ApplyChatTemplateResponse {
    try checkModel(request.model)
    try checkMessages(request.messages)
    let messages = request.messages.map { ChatMessage(role: $0.role, text: $0.content) }
    let text = try await worker.prompt(
      for: messages,
      addsGenerationPrompt: !request.omitGenerationPrompt
    )
    // A template writes the begin-of-sequence token itself where the model wants one.
    let tokenIDs = await encode(text, specialTokens: .recognised, addsBeginOfSequence: false)
    return .with {
      $0.text = text
      $0.tokenIds = tokenIDs
    }
  }

  private func encode(
    _ text: String,
    specialTokens: SpecialTokenPolicy,
    addsBeginOfSequence: Bool
  ) async -> [TokenID] {
    if text.utf8.count <= Self.inPlaceTextBytes {
      return model.tokenizer.encode(
        text,
        specialTokens: specialTokens,
        addsBeginOfSequence: addsBeginOfSequence
      )
    }
    return await worker.encode(
      text,
      specialTokens: specialTokens,
      addsBeginOfSequence: addsBeginOfSequence
    )
  }

  private func checkModel(_ name: String) throws(MeshError) {
    guard name.isEmpty || name == model.name else {
      throw MeshError(
        .notFound,
        "model \"\(name.prefix(200))\" is not served here; \"\(model.name)\" is",
        field: "model"
      )
    }
  }

  private func checkMessages(_ messages: [Weft_Types_V1_ChatMessage]) throws(MeshError) {
    guard (1...Self.maximumMessages).contains(messages.count) else {
      throw .invalid(
        "messages",
        "must have 1...\(Self.maximumMessages) entries, got \(messages.count)"
      )
    }
    let bytes = messages.reduce(0) { $0 + $1.content.utf8.count }
    guard bytes <= Self.maximumTextBytes else {
      throw .invalid(
        "messages",
        "must have at most \(Self.maximumTextBytes) bytes of text, got \(bytes)"
      )
    }
    for (index, message) in messages.enumerated()
    where !(1...Self.maximumRoleBytes).contains(message.role.utf8.count) {
      throw .invalid("messages[\(index)].role", "must be of 1...\(Self.maximumRoleBytes) bytes")
    }
  }
}
