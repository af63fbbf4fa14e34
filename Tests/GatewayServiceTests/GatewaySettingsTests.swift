import GRPCCoreTransport
import GatewayService
import MeshTypes
import ServiceTesting
import Testing

@Suite("A gateway's settings")
struct GatewaySettingsTests {
  private func read(_ flags: [String: String]) async throws -> GatewaySettings {
    try await GatewaySettings(try await settings(flags))
  }

  @Test("name one scheduler or several")
  func schedulers() async throws {
    #expect(try await read([:]).schedulers == [.tcp(host: "127.0.0.1", port: 7702)])
    #expect(try await read(["scheduler": "a:1"]).schedulers == [.tcp(host: "a", port: 1)])
    #expect(
      try await read(["scheduler": "a:1, unix:/b"]).schedulers
        == [.tcp(host: "a", port: 1), .unix(path: "/b")]
    )
    let many = (1...64).map { "a:\($0)" }.joined(separator: ",")
    #expect(try await read(["scheduler": many]).schedulers.count == 64)
  }

  @Test(
    "name the setting at fault",
    arguments: [
      "", "a", "a:1,a:1", "a:1,,b", (1...65).map { "a:\($0)" }.joined(separator: ","),
    ]
  )
  func refused(_ schedulers: String) async throws {
    await #expect { try await read(["scheduler": schedulers]) } throws: {
      ($0 as? MeshError)?.field == "scheduler"
    }
  }
}
