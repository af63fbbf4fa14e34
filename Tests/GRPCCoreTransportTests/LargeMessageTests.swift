import GRPCCore
import GRPCCoreTransport
import Glibc
import Testing

@Suite struct LargeMessageTests {
  /// Messages as the transport has them.
  private struct PieceCoder: MessageSerializer, MessageDeserializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: SliceBytes) throws -> Bytes {
      try #require(message as? Bytes)
    }

    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> SliceBytes {
      try #require(bytes as? SliceBytes)
    }
  }

  private static let content = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 * 7 / 3) }

  /// What the network cuts into pieces arrives in pieces, and is one message to whoever asks.
  @Test(arguments: Network.allCases)
  func messagesArriveInPieces(network: Network) async throws {
    try await withServer(
      on: network.makeAddress(),
      register: { router in
        router.registerHandler(
          forMethod: EchoService.unary,
          deserializer: PieceCoder(),
          serializer: PieceCoder()
        ) { request, _ in
          let request = try await ServerRequest(stream: request)
          return StreamingServerResponse(single: ServerResponse(message: request.message))
        }
      }
    ) { client, _ in
      let sent = SliceBytes(Self.content)
      let answer = try await client.unary(
        request: ClientRequest(message: SliceBytes(header: [1, 2], pieces: [sent.piece(at: 0)])),
        descriptor: EchoService.unary,
        serializer: PieceCoder(),
        deserializer: PieceCoder(),
        options: .defaults
      ) { try $0.message }
      #expect(answer.pieceCount > 1)
      let pieces = (0..<answer.pieceCount).map { answer.piece(at: $0) }
      withExtendedLifetime(pieces) {
        #expect(pieces.flatMap { Array($0.bytes) } == [1, 2] + Self.content)
      }
      #expect(answer.withUnsafeBytes { Array($0) } == [1, 2] + Self.content)
    }
  }

  @Test func unixSocketsGetTheirSendBuffers() async throws {
    let path = uniqueSocketPath()
    var server = CoreServerConfiguration()
    server.unixSendBufferBytes = 300_000
    var client = CoreClientConfiguration()
    client.unixSendBufferBytes = 400_000
    try await withServer(
      on: .unix(path: path),
      serverConfiguration: server,
      clientConfiguration: client
    ) { client, _ in
      try await expectEcho(from: client)
      // The system doubles what is asked for.
      #expect(sendBuffers(ofSocketsAt: path) == [600_000, 800_000])
    }
  }

  /// The send buffers of this process's connections over the socket at `path`, in order.
  private func sendBuffers(ofSocketsAt path: String) -> [Int32] {
    (0..<Int32(1024)).compactMap { descriptor in
      guard option(SO_ACCEPTCONN, of: descriptor) == 0,
        name(of: descriptor, getsockname) == path || name(of: descriptor, getpeername) == path
      else { return nil }
      return option(SO_SNDBUF, of: descriptor)
    }.sorted()
  }

  private func option(_ name: Int32, of descriptor: Int32) -> Int32? {
    var value: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    return getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
  }

  private typealias NameFunction = (
    Int32, UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<socklen_t>?
  ) -> Int32

  private func name(of descriptor: Int32, _ ask: NameFunction) -> String? {
    var address = sockaddr_un()
    var size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let status = withUnsafeMutablePointer(to: &address) { address in
      address.withMemoryRebound(to: sockaddr.self, capacity: 1) { ask(descriptor, $0, &size) }
    }
    guard status == 0, address.sun_family == sa_family_t(AF_UNIX) else { return nil }
    return withUnsafeBytes(of: address.sun_path) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
