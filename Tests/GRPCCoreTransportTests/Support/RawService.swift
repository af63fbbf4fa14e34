import GRPCCore
import GRPCCoreTransport

typealias Router = RPCRouter<CoreServerTransport>
typealias Client = GRPCClient<CoreClientTransport>

/// Messages as plain bytes, so that the transport can be tested without generated code.
struct RawCoder: MessageSerializer, MessageDeserializer {
  func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Bytes {
    Bytes(message)
  }

  func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> [UInt8] {
    bytes.withUnsafeBytes { Array($0) }
  }
}

/// A service with one method of each kind, as the python fixtures know it too.
///
/// Every method echoes the request's metadata whose keys begin with `x-` as initial metadata.
enum EchoService {
  static let service = ServiceDescriptor(fullyQualifiedService: "weft.test.Echo")

  /// Returns the message.
  static let unary = MethodDescriptor(service: service, method: "Unary", type: .unary)
  /// Returns all messages joined.
  static let collect = MethodDescriptor(
    service: service,
    method: "Collect",
    type: .clientStreaming
  )
  /// Returns each byte of the message as a message.
  static let expand = MethodDescriptor(service: service, method: "Expand", type: .serverStreaming)
  /// Returns each message.
  static let chat = MethodDescriptor(
    service: service,
    method: "Chat",
    type: .bidirectionalStreaming
  )
  /// Fails with the status code that the message's first byte names and the rest as its message.
  static let fail = MethodDescriptor(service: service, method: "Fail", type: .unary)
  /// Never answers.
  static let hang = MethodDescriptor(service: service, method: "Hang", type: .unary)

  static func register(in router: inout Router) {
    router.handleStream(unary) { request, _ in
      let message = try await request.firstMessage()
      return StreamingServerResponse(
        single: ServerResponse(
          message: message,
          metadata: echo(request.metadata),
          trailingMetadata: trailer
        )
      )
    }
    router.handleStream(collect) { request, _ in
      var all: [UInt8] = []
      for try await message in request.messages { all += message }
      return StreamingServerResponse(
        single: ServerResponse(
          message: all,
          metadata: echo(request.metadata),
          trailingMetadata: trailer
        )
      )
    }
    router.handleStream(expand) { request, _ in
      let message = try await request.firstMessage()
      return StreamingServerResponse(metadata: echo(request.metadata)) { writer in
        for byte in message { try await writer.write([byte]) }
        return trailer
      }
    }
    router.handleStream(chat) { request, _ in
      StreamingServerResponse(metadata: echo(request.metadata)) { writer in
        for try await message in request.messages { try await writer.write(message) }
        return trailer
      }
    }
    router.handleStream(fail) { request, _ in
      let message = try await request.firstMessage()
      let code = RPCError.Code(Status.Code(rawValue: Int(message[0])) ?? .unknown) ?? .unknown
      throw RPCError(
        code: code,
        message: String(decoding: message.dropFirst(), as: UTF8.self),
        metadata: trailer
      )
    }
    router.handleStream(hang) { _, context in
      try await context.cancellation.cancelled
      throw RPCError(code: .cancelled, message: "")
    }
  }

  static let trailer: Metadata = ["t-word": "end", "t-raw-bin": .binary([0, 255, 10, 13, 128])]

  private static func echo(_ metadata: Metadata) -> Metadata {
    Metadata(metadata.filter { $0.key.hasPrefix("x-") })
  }
}

extension RPCRouter {
  /// Registers a method of raw messages.
  mutating func handleStream(
    _ method: MethodDescriptor,
    handler:
      @Sendable @escaping (
        StreamingServerRequest<[UInt8]>, ServerContext
      ) async throws -> StreamingServerResponse<[UInt8]>
  ) {
    registerHandler(
      forMethod: method,
      deserializer: RawCoder(),
      serializer: RawCoder(),
      handler: handler
    )
  }
}

extension StreamingServerRequest where Message == [UInt8] {
  func firstMessage() async throws -> [UInt8] {
    try await ServerRequest(stream: self).message
  }
}

extension GRPCClient {
  /// A unary call of raw messages that returns the whole response.
  func unary(
    _ message: [UInt8],
    to method: MethodDescriptor = EchoService.unary,
    metadata: Metadata = [:],
    options: CallOptions = .defaults
  ) async throws -> ClientResponse<[UInt8]> {
    try await unary(
      request: ClientRequest(message: message, metadata: metadata),
      descriptor: method,
      serializer: RawCoder(),
      deserializer: RawCoder(),
      options: options
    ) { $0 }
  }

  /// The message that a unary call of raw messages returns.
  func answer(
    to message: [UInt8],
    _ method: MethodDescriptor = EchoService.unary,
    options: CallOptions = .defaults
  ) async throws -> [UInt8] {
    try await unary(message, to: method, options: options).message
  }

  /// A call of raw messages with a request that `produce` writes.
  func stream<Result: Sendable>(
    _ method: MethodDescriptor,
    metadata: Metadata = [:],
    options: CallOptions = .defaults,
    produce: @Sendable @escaping (RPCWriter<[UInt8]>) async throws -> Void,
    consume: @Sendable @escaping (StreamingClientResponse<[UInt8]>) async throws -> Result
  ) async throws -> Result {
    try await bidirectionalStreaming(
      request: StreamingClientRequest(metadata: metadata, producer: produce),
      descriptor: method,
      serializer: RawCoder(),
      deserializer: RawCoder(),
      options: options,
      onResponse: consume
    )
  }

  /// A call of raw messages that sends all of `messages` and returns all that come back.
  func exchange(
    _ messages: [[UInt8]],
    with method: MethodDescriptor,
    metadata: Metadata = [:],
    options: CallOptions = .defaults
  ) async throws -> Exchange {
    try await stream(method, metadata: metadata, options: options) { writer in
      for message in messages { try await writer.write(message) }
    } consume: { response in
      let contents = try response.accepted.get()
      var exchange = Exchange(initial: contents.metadata)
      for try await part in contents.bodyParts {
        switch part {
        case .message(let message): exchange.messages.append(message)
        case .trailingMetadata(let metadata): exchange.trailing = metadata
        }
      }
      return exchange
    }
  }
}

/// What a server sent in one successful RPC.
struct Exchange: Sendable {
  var initial: Metadata
  var messages: [[UInt8]] = []
  var trailing: Metadata = [:]
}
