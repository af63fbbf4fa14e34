import GRPCCore
import GRPCCoreTransport
import Glibc
import Testing

/// The same service by python's grpcio, which shares no code with this transport.
@Suite struct PythonInteroperabilityTests {
  @Test(arguments: Network.allCases)
  func pythonsClientGetsWhatItExpects(network: Network) async throws {
    var configuration = CoreServerConfiguration()
    configuration.maximumReceiveMessageBytes = 1 << 20
    let (ends, ended) = AsyncStream<Bool>.makeStream()
    try await withServer(
      on: network.makeAddress(),
      serverConfiguration: configuration,
      register: { router in
        EchoService.register(in: &router)
        router.handleStream(EchoService.hang) { _, context in
          try? await context.cancellation.cancelled
          ended.yield(context.deadline != nil)
          throw RPCError(code: .aborted, message: "")
        }
      }
    ) { _, server in
      let address = try await server.transport.listeningAddress
      let python = try PythonProcess("echo_client.py", "\(address)")
      var checks: [String] = []
      for await line in python.lines { checks.append(line) }
      #expect(await python.finish() == 0)
      #expect(checks.last == "ok large")
      #expect(checks.count == 10)
      // The call with a deadline came first, the one that was cancelled second.
      var deadlines: [Bool] = []
      for await hasDeadline in ends {
        deadlines.append(hasDeadline)
        if deadlines.count == 2 { break }
      }
      #expect(deadlines == [true, false])
    }
  }

  @Test(arguments: Network.allCases)
  func pythonsServerAnswersEveryKind(network: Network) async throws {
    try await withPythonServer(on: network) { client, _, _ in
      let messages: [[UInt8]] = (0..<100).map { [UInt8](repeating: UInt8($0), count: $0) }
      let metadata: Metadata = ["x-word": "plain text", "x-raw-bin": .binary([0, 128, 255])]
      let requests = [
        (EchoService.unary, [messages[9]], [messages[9]]),
        (EchoService.collect, messages, [messages.flatMap(\.self)]),
        (EchoService.expand, [messages[3]], [[3], [3], [3]]),
        (EchoService.chat, messages, messages),
      ]
      for (method, sent, expected) in requests {
        let exchange = try await client.exchange(sent, with: method, metadata: metadata)
        #expect(exchange.messages == expected)
        #expect(Array(exchange.initial[stringValues: "x-word"]) == ["plain text"])
        #expect(Array(exchange.initial[binaryValues: "x-raw-bin"]) == [[0, 128, 255]])
        #expect(Array(exchange.trailing[stringValues: "t-word"]) == ["end"])
        #expect(Array(exchange.trailing[binaryValues: "t-raw-bin"]) == [[0, 255, 10, 13, 128]])
      }
    }
  }

  @Test func pythonsServerFailsWithItsWords() async throws {
    try await withPythonServer(on: .tcp) { client, _, _ in
      let words = "Straße 100% 日本 🙂"
      for code in UInt8(1)...16 {
        let error = try await rpcError {
          try await client.answer(to: [code] + Array(words.utf8), EchoService.fail)
        }
        #expect(error.code.rawValue == Int(code))
        #expect(error.message == words)
        #expect(Array(error.metadata[stringValues: "t-word"]) == ["end"])
      }
    }
  }

  @Test func pythonsServerRefusesLargeMessages() async throws {
    try await withPythonServer(on: .unix) { client, _, _ in
      let fits = [UInt8](repeating: 3, count: 1 << 20)
      for method in [EchoService.unary, EchoService.chat] {
        #expect(try await client.exchange([fits], with: method).messages == [fits])
        let error = try await rpcError { try await client.exchange([fits + [1]], with: method) }
        #expect(error.code == .resourceExhausted)
      }
    }
  }

  @Test func pythonsServerSeesDeadlinesAndCancellation() async throws {
    try await withPythonServer(on: .tcp) { client, lines, _ in
      var options = CallOptions.defaults
      // Long enough for the call to arrive, now that there is a connection.
      try await expectEcho(from: client)
      options.timeout = .seconds(1)
      let late = try await rpcError { [options] in
        try await client.answer(to: [], EchoService.hang, options: options)
      }
      #expect(late.code == .deadlineExceeded)
      var seen: [String] = []
      for await line in lines {
        seen.append(line)
        if seen.count == 2 { break }
      }
      try await withThrowingTaskGroup { group in
        group.addTask {
          let error = try await rpcError { try await client.answer(to: [], EchoService.hang) }
          #expect(error.code == .cancelled)
        }
        for await line in lines {
          seen.append(line)
          break
        }
        group.cancelAll()
        try await group.waitForAll()
      }
      for await line in lines {
        seen.append(line)
        break
      }
      #expect(seen == ["hang with deadline", "hang ended", "hang for ever", "hang ended"])
    }
  }

  @Test(arguments: Network.allCases)
  func aClientThatDiesCancelsItsCalls(network: Network) async throws {
    let (starts, started) = AsyncStream<Void>.makeStream()
    let (ends, ended) = AsyncStream<Bool>.makeStream()
    try await withServer(
      on: network.makeAddress(),
      register: { router in
        router.handleStream(EchoService.hang) { _, context in
          started.yield()
          try? await Task.sleep(for: .seconds(60))
          ended.yield(context.cancellation.isCancelled)
          throw RPCError(code: .aborted, message: "")
        }
      }
    ) { _, server in
      let address = try await server.transport.listeningAddress
      let python = try PythonProcess("echo_client.py", "\(address)", "hang")
      for await _ in starts { break }
      await python.kill()
      for await handleFired in ends {
        #expect(handleFired)
        break
      }
    }
  }

  @Test(arguments: Network.allCases)
  func callsOfAServerThatDiesAreUnavailable(network: Network) async throws {
    try await withPythonServer(on: network, dies: true) { client, lines, python in
      async let outcome = rpcError { try await client.answer(to: [], EchoService.hang) }
      for await _ in lines { break }
      await python.kill()
      let code = try await outcome.code
      #expect(code == .unavailable)
    }
  }

  private func withPythonServer(
    on network: Network,
    dies: Bool = false,
    body: (Client, AsyncStream<String>, PythonProcess) async throws -> Void
  ) async throws {
    let path = uniqueSocketPath()
    // A server that died has left its socket.
    defer { unlink(path) }
    let python = try PythonProcess(
      "echo_server.py",
      network == .tcp ? "127.0.0.1:0" : "unix:\(path)"
    )
    var port: Int?
    for await line in python.lines {
      port = line.split(separator: " ").last.flatMap { Int($0) }
      break
    }
    let address: TransportAddress
    switch network {
    case .tcp: address = .tcp(host: "127.0.0.1", port: try #require(port))
    case .unix: address = .unix(path: path)
    }
    try await withReleasedExecutor { executor in
      try await withGRPCClient(
        transport: CoreClientTransport(address: address, executor: executor)
      ) { client in
        try await body(client, python.lines, python)
      }
    }
    if !dies { #expect(await python.finish() == 0) }
  }
}
