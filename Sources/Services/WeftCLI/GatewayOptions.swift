import ArgumentParser
import Configuration
import GRPCCoreTransport
import MeshRuntime
import MeshTypes

/// Which gateway a command talks to.
struct GatewayOptions: ParsableArguments {
  @Option(help: "The gateway's address (WEFT_GATEWAY; default 127.0.0.1:7700).")
  var gateway: String?

  @OptionGroup var common: CommonOptions

  /// The gateway's address, from flag, environment or file.
  func address() async throws -> TransportAddress {
    let (settings, _) = try await common.prepare(
      service: "weft",
      flags: ["gateway": gateway.map { .string($0) }]
    )
    return try await settings.address("gateway") ?? .tcp(host: "127.0.0.1", port: 7700)
  }
}
