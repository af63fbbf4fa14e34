import ArgumentParser
import Configuration
import GRPCCoreTransport
import Logging
import MeshRuntime
import MeshTypes
import Testing

@Suite("The flags of every executable")
struct CommonOptionsTests {
  @Test("set the log's level and format")
  func logging() async throws {
    let options = try CommonOptions.parse(["--log-level", "debug", "--log-format", "json"])
    let (settings, logger) = try await options.prepare(
      service: "weft-test",
      flags: ["listen": .string("unix:/a")]
    )
    #expect(logger.logLevel == .debug)
    #expect(logger.label == "weft-test")
    #expect(try await settings.address("listen") == .unix(path: "/a"))
  }

  @Test(
    "that are wrong are named",
    arguments: [
      ("log-level", "loud"), ("log-format", "xml"), ("config", "/nonexistent/weft.yaml"),
    ]
  )
  func wrong(_ name: String, _ value: String) async throws {
    let options = try CommonOptions.parse(["--\(name)", value])
    let error = await #expect(throws: MeshError.self) {
      _ = try await options.prepare(service: "weft-test", flags: [:])
    }
    #expect(error?.field == name)
    #expect(error?.message.contains(value) == true)
  }

  @Test("watch standard input only if asked to")
  func parentWatch() throws {
    #expect(try CommonOptions.parse([]).services.isEmpty)
    #expect(try CommonOptions.parse(["--stop-with-standard-input"]).services.count == 1)
  }
}
