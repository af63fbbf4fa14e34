import GRPCCore
import GRPCCoreTransport
import Glibc
import Synchronization
import Testing

/// The two kinds of socket.
enum Network: CaseIterable {
  case tcp
  case unix

  /// An address that no other test uses.
  func makeAddress() -> TransportAddress {
    switch self {
    case .tcp: .tcp(host: "127.0.0.1", port: 0)
    case .unix: .unix(path: uniqueSocketPath())
    }
  }
}

func uniqueSocketPath() -> String {
  "/tmp/weft-test-\(getpid())-\(String(UInt64.random(in: 0 ... .max), radix: 36)).sock"
}

/// Runs a client against a server of its own on an executor of its own, then asserts that every C
/// object has been released.
func withServer<Result: Sendable>(
  on address: TransportAddress = .tcp(host: "127.0.0.1", port: 0),
  serverConfiguration: CoreServerConfiguration = CoreServerConfiguration(),
  clientConfiguration: CoreClientConfiguration = CoreClientConfiguration(),
  register: (inout Router) -> Void = EchoService.register,
  sourceLocation: SourceLocation = #_sourceLocation,
  body: (Client, GRPCServer<CoreServerTransport>) async throws -> Result
) async throws -> Result {
  var router = Router()
  register(&router)
  return try await withReleasedExecutor(sourceLocation: sourceLocation) { executor in
    let transport = CoreServerTransport(
      address: address,
      configuration: serverConfiguration,
      executor: executor
    )
    let server = GRPCServer(transport: transport, router: router)
    return try await withThrowingDiscardingTaskGroup { group in
      group.addTask { try await server.serve() }
      let result = try await withGRPCClient(
        transport: CoreClientTransport(
          address: try await transport.listeningAddress,
          configuration: clientConfiguration,
          executor: executor
        )
      ) { client in
        try await body(client, server)
      }
      server.beginGracefulShutdown()
      return result
    }
  }
}

/// Gives `body` an executor of its own and asserts that nothing lives on it afterwards.
func withReleasedExecutor<Result>(
  sourceLocation: SourceLocation = #_sourceLocation,
  body: (CompletionQueueExecutor) async throws -> Result
) async throws -> Result {
  let executor = CompletionQueueExecutor()
  let result = try await body(executor)
  await eventually { executor.liveObjects.snapshot == .none }
  #expect(executor.liveObjects.snapshot == .none, sourceLocation: sourceLocation)
  executor.shutdown()
  return result
}

/// A count that several tasks share.
final class Counter: Sendable {
  private let count = Atomic<Int>(0)

  var value: Int { count.load(ordering: .acquiring) }

  func increment() {
    count.wrappingAdd(1, ordering: .acquiringAndReleasing)
  }
}

/// Waits until a condition that is bound to come true does, and gives up after ten seconds.
func eventually(_ condition: () -> Bool) async {
  let end = ContinuousClock.now + .seconds(10)
  while !condition(), ContinuousClock.now < end {
    try? await Task.sleep(for: .milliseconds(1))
  }
}

/// The error of an RPC that has to fail.
func rpcError<Result>(
  sourceLocation: SourceLocation = #_sourceLocation,
  of body: () async throws -> Result
) async throws -> RPCError {
  do {
    _ = try await body()
  } catch let error as RPCError {
    return error
  }
  Issue.record("the RPC succeeded", sourceLocation: sourceLocation)
  throw CancellationError()
}

/// Asserts that a unary call to the echo service works.
func expectEcho(
  from client: Client,
  sourceLocation: SourceLocation = #_sourceLocation
) async throws {
  let answer = try await client.answer(to: [1, 2, 3])
  #expect(answer == [1, 2, 3], sourceLocation: sourceLocation)
}
