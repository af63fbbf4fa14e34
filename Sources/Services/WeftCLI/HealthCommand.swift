import ArgumentParser
import GRPCCoreTransport
import MeshRuntime

/// `weft health`: for container health checks and scripts.
struct HealthCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "health",
    abstract: "Exit with 0 if the service at an address is serving."
  )

  @Argument(help: "host:port or unix:/path.")
  var address: String

  func run() async throws {
    let target = try await reportingStatus {
      try TransportAddress(parsing: address, field: "address")
    }
    guard await HealthProbe.isServing(target) else {
      Terminal.note("not serving")
      throw ExitCode.failure
    }
    Terminal.show("serving\n")
  }
}
