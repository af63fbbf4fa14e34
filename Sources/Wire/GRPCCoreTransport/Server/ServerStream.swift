internal import GRPCCore

/// The request of a ``ServerCall`` as grpc-swift reads it.
struct ServerInbound: AsyncSequence, Sendable {
  typealias Element = RPCRequestPart<SliceBytes>
  typealias Failure = any Error

  let call: ServerCall

  func makeAsyncIterator() -> Iterator {
    Iterator(call: call)
  }

  struct Iterator: AsyncIteratorProtocol {
    let call: ServerCall

    mutating func next() async throws -> Element? {
      try await call.nextPart()
    }

    mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> Element? {
      try await call.nextPart()
    }
  }
}

/// The response of a ``ServerCall`` as grpc-swift writes it.
struct ServerOutbound: ClosableRPCWriterProtocol {
  typealias Element = RPCResponsePart<SliceBytes>

  let call: ServerCall

  func write(_ part: Element) async throws {
    switch part {
    case .metadata(let metadata): try call.write(metadata)
    case .message(let message): try await call.write(message)
    case .status(let status, let metadata): try call.write(status, metadata)
    }
  }

  func write(contentsOf parts: some Sequence<Element>) async throws {
    for part in parts { try await write(part) }
  }

  /// The status has finished the response already.
  func finish() async {}

  func finish(throwing error: any Error) async {
    call.finish(throwing: error)
  }
}
