import GRPCCore
import GRPCCoreTransport
import Glibc
import Testing

@Suite struct ShutdownTests {
  @Test func gracefulShutdownLetsCallsFinish() async throws {
    let (starts, started) = AsyncStream<Void>.makeStream()
    let (finishes, finish) = AsyncStream<Void>.makeStream()
    try await withServer(register: { router in
      router.handleStream(EchoService.unary) { request, _ in
        started.yield()
        for await _ in finishes { break }
        return StreamingServerResponse(single: ServerResponse(message: [5]))
      }
    }) { client, server in
      async let response = client.unary([1])
      for await _ in starts { break }
      server.beginGracefulShutdown()
      let refused = try await rpcError { try await client.answer(to: [2]) }
      #expect(refused.code == .unavailable, "\(refused)")
      finish.yield()
      #expect(try await response.message == [5])
    }
  }

  @Test func theGracePeriodEndsCallsThatDoNotFinish() async throws {
    var configuration = CoreServerConfiguration()
    configuration.shutdownGracePeriod = .milliseconds(100)
    let (starts, started) = AsyncStream<Void>.makeStream()
    try await withServer(
      serverConfiguration: configuration,
      register: { router in
        router.handleStream(EchoService.hang) { _, context in
          started.yield()
          try await context.cancellation.cancelled
          throw RPCError(code: .aborted, message: "")
        }
      }
    ) { client, server in
      async let outcome = rpcError { try await client.answer(to: [1], EchoService.hang) }
      for await _ in starts { break }
      server.beginGracefulShutdown()
      let code = try await outcome.code
      #expect(code == .cancelled || code == .unavailable)
    }
  }

  @Test func aUnixSocketIsRemovedAtShutdown() async throws {
    let path = uniqueSocketPath()
    try await withServer(on: .unix(path: path)) { client, _ in
      try await expectEcho(from: client)
      #expect(access(path, F_OK) == 0)
    }
    #expect(access(path, F_OK) != 0)
  }

  @Test func aServerStoppedBeforeItStartsServesNothing() async throws {
    try await withReleasedExecutor { executor in
      let transport = CoreServerTransport(address: Network.tcp.makeAddress(), executor: executor)
      transport.beginGracefulShutdown()
      try await transport.listen { _, _ in }
      let error = try await rpcError { try await transport.listeningAddress }
      #expect(error.code == .unavailable)
    }
  }

  @Test func aClosedClientStartsNoCalls() async throws {
    try await withReleasedExecutor { executor in
      let transport = CoreClientTransport(address: Network.unix.makeAddress(), executor: executor)
      transport.beginGracefulShutdown()
      let error = try await rpcError {
        try await transport.withStream(descriptor: EchoService.unary, options: .defaults) { _, _ in
        }
      }
      #expect(error.code == .failedPrecondition)
      await #expect(throws: RPCError.self) { try await transport.connect() }
    }
  }

  @Test func aDrainingClientFinishesItsCalls() async throws {
    try await withServer { _, server in
      let address = try await server.transport.listeningAddress
      try await withReleasedExecutor { executor in
        let transport = CoreClientTransport(address: address, executor: executor)
        let received = try await transport.withStream(
          descriptor: EchoService.chat,
          options: .defaults
        ) { stream, _ in
          var received = 0
          try await stream.outbound.write(.metadata([:]))
          try await stream.outbound.write(.message(SliceBytes([1])))
          for try await part in stream.inbound {
            guard case .message = part else { continue }
            received += 1
            transport.beginGracefulShutdown()
            if received == 1 { try await stream.outbound.write(.message(SliceBytes([2]))) }
            if received == 2 { await stream.outbound.finish() }
          }
          return received
        }
        #expect(received == 2)
      }
    }
  }

  /// Writers that outlive their handler can do no harm.
  @Test func aWriterKeptBeyondTheHandlerFails() async throws {
    let (writers, keep) = AsyncStream<RPCWriter<[UInt8]>>.makeStream()
    try await withServer(register: { router in
      router.handleStream(EchoService.chat) { _, _ in
        StreamingServerResponse { writer in
          keep.yield(writer)
          return [:]
        }
      }
    }) { client, _ in
      _ = try await client.exchange([[1]], with: EchoService.chat)
      for await writer in writers {
        await #expect(throws: RPCError.self) { try await writer.write([1]) }
        break
      }
    }
  }
}
