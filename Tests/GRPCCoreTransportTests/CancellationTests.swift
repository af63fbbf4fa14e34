import GRPCCore
import GRPCCoreTransport
import Testing

/// What a handler saw, in the order in which it saw it.
private enum Sight: Hashable {
  case started
  case handleFired
  case taskCancelled
  case ended
}

@Suite struct CancellationTests {
  private static let kinds = [
    EchoService.unary, EchoService.collect, EchoService.expand, EchoService.chat,
  ]

  /// Registers handlers that wait for cancellation and report what they see of it.
  private func registerWaiting(
    in router: inout Router,
    report: @escaping @Sendable (Sight) -> Void
  ) {
    for method in Self.kinds {
      router.handleStream(method) { _, context in
        report(.started)
        await withRPCCancellationHandler {
          await withTaskCancellationHandler {
            try? await Task.sleep(for: .seconds(60))
          } onCancel: {
            report(.taskCancelled)
          }
        } onCancelRPC: {
          report(.handleFired)
        }
        #expect(Task.isCancelled)
        report(.ended)
        throw RPCError(code: .cancelled, message: "")
      }
    }
  }

  @Test(arguments: kinds)
  func aCancelledClientTaskCancelsTheHandler(method: MethodDescriptor) async throws {
    let (sights, report) = AsyncStream<Sight>.makeStream()
    try await withServer(register: { registerWaiting(in: &$0) { report.yield($0) } }) { client, _ in
      try await withThrowingTaskGroup { group in
        group.addTask {
          let error = try await rpcError { try await client.exchange([[1]], with: method) }
          #expect(error.code == .cancelled)
        }
        for await sight in sights where sight == .started { break }
        group.cancelAll()
        try await group.waitForAll()
      }
      var seen: Set<Sight> = []
      for await sight in sights {
        seen.insert(sight)
        if sight == .ended { break }
      }
      #expect(seen == [.handleFired, .taskCancelled, .ended])
    }
  }

  @Test(arguments: kinds)
  func theDeadlineCancelsBothSides(method: MethodDescriptor) async throws {
    let (sights, report) = AsyncStream<Sight>.makeStream()
    let starts = Counter()
    try await withServer(register: { router in
      registerWaiting(in: &router) { sight in
        if sight == .started { starts.increment() } else { report.yield(sight) }
      }
    }) { client, _ in
      var options = CallOptions.defaults
      options.timeout = .milliseconds(100)
      // On a busy machine a deadline may pass before the call arrives: then a later one.
      while starts.value == 0, let timeout = options.timeout {
        let error = try await rpcError { [options] in
          try await client.exchange([[1]], with: method, options: options)
        }
        #expect(error.code == .deadlineExceeded)
        options.timeout = timeout * 4
      }
      var seen: Set<Sight> = []
      for await sight in sights {
        seen.insert(sight)
        if sight == .ended { break }
      }
      #expect(seen == [.handleFired, .taskCancelled, .ended])
    }
  }

  @Test func handlersSeeTheDeadline() async throws {
    try await withServer(register: { router in
      router.handleStream(EchoService.unary) { request, context in
        #expect(!request.metadata.contains { $0.key == "grpc-timeout" })
        let seconds = context.remainingTime.map { UInt8($0.components.seconds) }
        return StreamingServerResponse(single: ServerResponse(message: [seconds ?? 255]))
      }
    }) { client, _ in
      var options = CallOptions.defaults
      #expect(try await client.answer(to: [1], options: options) == [255])
      options.timeout = .seconds(100)
      let remaining = try await client.answer(to: [1], options: options)[0]
      #expect((97...100).contains(remaining))
    }
  }

  @Test func cancellingTheTransportCancelsOpenCalls() async throws {
    let (sights, report) = AsyncStream<Sight>.makeStream()
    var router = Router()
    registerWaiting(in: &router) { report.yield($0) }
    try await withReleasedExecutor { executor in
      let transport = CoreServerTransport(
        address: .tcp(host: "127.0.0.1", port: 0),
        executor: executor
      )
      let server = GRPCServer(transport: transport, router: router)
      try await withThrowingDiscardingTaskGroup { group in
        group.addTask { try await server.serve() }
        let client = GRPCClient(
          transport: CoreClientTransport(
            address: try await transport.listeningAddress,
            executor: executor
          )
        )
        try await withThrowingTaskGroup { connection in
          connection.addTask { try await client.runConnections() }
          group.addTask {
            let error = try await rpcError { try await client.answer(to: [1]) }
            #expect(error.code == .cancelled)
          }
          for await sight in sights where sight == .started { break }
          connection.cancelAll()
          try await connection.waitForAll()
        }
        for await sight in sights where sight == .ended { break }
        server.beginGracefulShutdown()
      }
    }
  }

  @Test func cancellingTheServerEndsItsCalls() async throws {
    let (sights, report) = AsyncStream<Sight>.makeStream()
    var router = Router()
    registerWaiting(in: &router) { report.yield($0) }
    try await withReleasedExecutor { executor in
      let transport = CoreServerTransport(
        address: .tcp(host: "127.0.0.1", port: 0),
        executor: executor
      )
      let server = GRPCServer(transport: transport, router: router)
      try await withThrowingTaskGroup { group in
        group.addTask { try await server.serve() }
        let address = try await transport.listeningAddress
        try await withGRPCClient(
          transport: CoreClientTransport(address: address, executor: executor)
        ) { client in
          async let outcome = rpcError { try await client.answer(to: [1]) }
          for await sight in sights where sight == .started { break }
          group.cancelAll()
          let code = try await outcome.code
          #expect(code == .cancelled || code == .unavailable)
        }
        try await group.waitForAll()
      }
    }
  }

  /// Half of a bidirectional handler may end the other half, which must not wait for the client.
  @Test func aHandlerCanStopReadingAndStillAnswer() async throws {
    try await withServer(register: { router in
      router.handleStream(EchoService.chat) { request, _ in
        StreamingServerResponse { writer in
          let messages = Counter()
          await withTaskGroup { group in
            group.addTask {
              do {
                for try await _ in request.messages { messages.increment() }
                Issue.record("the client did not end its request")
              } catch {
                #expect(error is CancellationError)
              }
            }
            await eventually { messages.value == 2 }
            group.cancelAll()
          }
          try await writer.write([42])
          return [:]
        }
      }
    }) { client, _ in
      let (hold, release) = AsyncStream<Void>.makeStream()
      let received = try await client.stream(EchoService.chat) { writer in
        try await writer.write([1])
        try await writer.write([2])
        for await _ in hold {}
      } consume: { response in
        var received: [[UInt8]] = []
        for try await message in response.messages { received.append(message) }
        return received
      }
      release.finish()
      #expect(received == [[42]])
    }
  }

  /// A read that was cancelled does not swallow the message that it waited for.
  @Test func theNextReadGetsTheMessageOfACancelledOne() async throws {
    try await withReleasedExecutor { executor in
      let transport = CoreServerTransport(
        address: .tcp(host: "127.0.0.1", port: 0),
        executor: executor
      )
      try await withThrowingDiscardingTaskGroup { group in
        group.addTask {
          try await transport.listen { stream, _ in
            await withTaskGroup { group in
              group.addTask {
                await #expect(throws: CancellationError.self) {
                  for try await _ in stream.inbound {}
                }
              }
              group.cancelAll()
            }
            await #expect(throws: Never.self) {
              try await stream.outbound.write(.metadata([:]))
              try await stream.outbound.write(.message(SliceBytes([0])))
              for try await part in stream.inbound {
                if case .message(let bytes) = part {
                  try await stream.outbound.write(.message(bytes))
                }
              }
              try await stream.outbound.write(.status(Status(code: .ok, message: ""), [:]))
            }
          }
        }
        try await withGRPCClient(
          transport: CoreClientTransport(
            address: try await transport.listeningAddress,
            executor: executor
          )
        ) { client in
          let (go, begin) = AsyncStream<Void>.makeStream()
          let received = try await client.stream(EchoService.chat) { writer in
            for await _ in go { break }
            for index in 1...5 { try await writer.write([UInt8(index)]) }
          } consume: { response in
            var received: [[UInt8]] = []
            for try await message in response.messages {
              received.append(message)
              begin.yield()
            }
            return received
          }
          #expect(received == (0...5).map { [$0] })
        }
        transport.beginGracefulShutdown()
      }
    }
  }

  /// A truncated request must not look like a finished one.
  @Test func aCancelledRequestStreamThrows() async throws {
    let (outcomes, report) = AsyncStream<Bool>.makeStream()
    let (arrivals, arrived) = AsyncStream<Void>.makeStream()
    try await withServer(register: { router in
      router.handleStream(EchoService.collect) { request, _ in
        do {
          for try await _ in request.messages { arrived.yield() }
          report.yield(true)
        } catch {
          report.yield(false)
        }
        throw RPCError(code: .aborted, message: "")
      }
    }) { client, _ in
      for _ in 0..<20 {
        await withTaskGroup { group in
          group.addTask {
            try? await client.stream(EchoService.collect) { writer in
              try await writer.write([1])
              try await Task.sleep(for: .seconds(60))
            } consume: { response in
              for try await _ in response.messages {}
            }
          }
          for await _ in arrivals { break }
          group.cancelAll()
        }
        for await looksFinished in outcomes {
          #expect(!looksFinished)
          break
        }
      }
    }
  }

  @Test func aCallCancelledBeforeItStartsFails() async throws {
    try await withServer { client, _ in
      await withTaskGroup(of: Void.self) { group in
        group.cancelAll()
        group.addTask {
          let error = try? await rpcError { try await client.answer(to: [1]) }
          #expect(error?.code == .cancelled)
        }
      }
    }
  }

  /// The response handler may leave early; the rest of the RPC goes with it.
  @Test func leavingTheResponseCancelsTheHandler() async throws {
    let (ends, ended) = AsyncStream<Void>.makeStream()
    try await withServer(register: { router in
      router.handleStream(EchoService.expand) { _, _ in
        StreamingServerResponse { writer in
          defer { ended.yield() }
          while true { try await writer.write([UInt8](repeating: 0, count: 1000)) }
        }
      }
    }) { client, _ in
      let first = try await client.stream(EchoService.expand) { writer in
        try await writer.write([1])
      } consume: { response in
        for try await message in response.messages { return message.count }
        return 0
      }
      #expect(first == 1000)
      for await _ in ends { break }
    }
  }
}
