import GRPCCoreTransport
import KVStoreClient
import MeshTypes
import ServiceTesting
import Testing

@Suite("The settings of the store's client")
struct StoreClusterSettingsTests {
  private func read(_ flags: [String: String]) async throws -> StoreClusterSettings {
    try await StoreClusterSettings(try await settings(flags))
  }

  @Test("name no store unless told")
  func absent() async throws {
    #expect(try await read([:]).addresses == [])
    #expect(try await read(["kvstores": ""]).addresses == [])
    #expect(try await read([:]).lookupTimeout == .milliseconds(50))
  }

  @Test("hold addresses with commas between them")
  func addresses() async throws {
    let settings = try await read([
      "kvstores": "unix:/run/a, [::1]:7703,b:1", "kvstore-lookup-timeout-ms": "7",
    ])
    #expect(
      settings.addresses == [
        .unix(path: "/run/a"), .tcp(host: "::1", port: 7703), .tcp(host: "b", port: 1),
      ]
    )
    #expect(settings.lookupTimeout == .milliseconds(7))
  }

  @Test(
    "refuse what is no address, an address twice, and too many",
    arguments: [
      "a", "a:1,a:1", (0..<65).map { "a:\($0)" }.joined(separator: ","),
    ]
  )
  func wrong(_ value: String) async throws {
    await #expect { try await read(["kvstores": value]) } throws: {
      ($0 as? MeshError)?.field == "kvstores"
    }
  }
}
