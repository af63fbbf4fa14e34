import Configuration
import Foundation
import GRPCCore
import GRPCCoreTransport
import Logging
import MeshProtos
import MeshRuntime
import ServiceLifecycle
import ServiceTesting
import SwiftProtobuf
import Testing

@Suite("A server's life")
struct MeshServerTests {
  private let health = HealthService(services: [])
  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  private func server(_ address: TransportAddress) async throws -> MeshServer {
    let reader = try await SettingsReader(
      flags: ["listen": .string("\(address)")],
      environment: EnvironmentVariablesProvider(environmentVariables: [:]),
      filePath: nil
    )
    return MeshServer(
      settings: try await ServerSettings(reader, defaultPort: 0),
      services: [],
      health: health,
      logger: logger
    )
  }

  /// Runs a server as a process would, and asks for its graceful shutdown after `body`.
  private func running(
    _ server: MeshServer,
    _ body: (TransportAddress) async throws -> Void
  ) async throws {
    let group = ServiceGroup(services: [server], logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      try await body(try await server.boundAddress)
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
  }

  @Test("a port of 0 becomes the one that was bound")
  func boundPort() async throws {
    try await running(try await server(.tcp(host: "127.0.0.1", port: 0))) { address in
      guard case .tcp("127.0.0.1", let port) = address else {
        Issue.record("bound \(address)")
        return
      }
      #expect((1...65535).contains(port))
      try await withClient(of: address) { client in
        let health = Grpc_Health_V1_Health.Client(wrapping: client)
        let response = try await health.check(.init(), options: .bounded)
        #expect(response.status == .notServing)
      }
    }
  }

  @Test("its unix socket is gone when it has stopped")
  func unixSocket() async throws {
    let path = uniqueSocketPath()
    try await running(try await server(.unix(path: path))) { address in
      #expect(address == .unix(path: path))
      #expect(FileManager.default.fileExists(atPath: path))
    }
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test("shutting down tells watchers, ends their streams, and so is not held up by them")
  func watchers() async throws {
    health.markServing()
    let server = try await server(.unix(path: uniqueSocketPath()))
    let group = ServiceGroup(services: [server], logger: logger)
    let seen = try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      let seen = try await withClient(of: try await server.boundAddress) { client in
        try await Grpc_Health_V1_Health.Client(wrapping: client)
          .watch(.init(), options: .bounded) { response in
            var seen: [Grpc_Health_V1_HealthCheckResponse.ServingStatus] = []
            for try await message in response.messages {
              if seen.isEmpty { await group.triggerGracefulShutdown() }
              seen.append(message.status)
            }
            return seen
          }
      }
      try await tasks.waitForAll()
      return seen
    }
    #expect(seen == [.serving, .notServing])
  }

  @Test("an address that is taken is named in the error")
  func taken() async throws {
    try await running(try await server(.tcp(host: "127.0.0.1", port: 0))) { address in
      let error = try await rpcError { try await self.server(address).run() }
      #expect(error.code == .unavailable)
      #expect(error.message.contains("\(address)"), "\(error)")
    }
  }
}
