import GRPCCore
package import GRPCCoreTransport
import MeshProtos
import MeshRuntime
import SwiftProtobuf

/// Asks a service's health.
package enum HealthProbe {
  /// Whether the server at `address` says that it serves, within `timeout`.
  package static func isServing(_ address: TransportAddress, timeout: Duration = .seconds(2)) async
    -> Bool
  {
    let client = MeshClient(address: address)
    return await withTaskGroup(of: Void.self) { group in
      group.addTask { try? await client.grpc.runConnections() }
      defer { client.grpc.beginGracefulShutdown() }
      var options = CallOptions.defaults
      options.timeout = timeout
      let health = Grpc_Health_V1_Health.Client(wrapping: client.grpc)
      let response = try? await health.check(.init(), options: options)
      return response?.status == .serving
    }
  }
}
