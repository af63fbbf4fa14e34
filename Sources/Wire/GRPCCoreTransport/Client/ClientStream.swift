internal import GRPCCore

/// The response of a ``ClientCall`` as grpc-swift reads it.
struct ClientInbound: AsyncSequence, Sendable {
  typealias Element = RPCResponsePart<SliceBytes>
  typealias Failure = any Error

  let call: ClientCall

  func makeAsyncIterator() -> Iterator {
    Iterator(call: call)
  }

  struct Iterator: AsyncIteratorProtocol {
    let call: ClientCall

    mutating func next() async throws -> Element? {
      try await call.nextPart()
    }

    mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> Element? {
      try await call.nextPart()
    }
  }
}

/// The request of a ``ClientCall`` as grpc-swift writes it.
struct ClientOutbound: ClosableRPCWriterProtocol {
  typealias Element = RPCRequestPart<SliceBytes>

  let call: ClientCall

  func write(_ part: Element) async throws {
    switch part {
    case .metadata(let metadata): try call.write(metadata)
    case .message(let message): try await call.write(message)
    }
  }

  func write(contentsOf parts: some Sequence<Element>) async throws {
    for part in parts { try await write(part) }
  }

  func finish() async {
    call.finish()
  }

  func finish(throwing error: any Error) async {
    call.finish(throwing: error)
  }
}
