import GRPCCoreTransport
import MeshRuntime
import MeshTypes
import ServiceTesting
import TestSupport
import Testing

@Suite("An address in a setting")
struct TransportAddressParsingTests {
  private static let longPath = "/" + String(repeating: "p", count: 106)

  @Test("is host:port, [v6]:port or unix:/path")
  func good() throws {
    let expected: [(String, TransportAddress)] = [
      ("127.0.0.1:7700", .tcp(host: "127.0.0.1", port: 7700)),
      ("localhost:0", .tcp(host: "localhost", port: 0)),
      ("a_b-c.example:65535", .tcp(host: "a_b-c.example", port: 65535)),
      ("[::1]:1", .tcp(host: "::1", port: 1)),
      ("[fe80::1%eth0]:80", .tcp(host: "fe80::1%eth0", port: 80)),
      ("unix:/run/weft/gateway.sock", .unix(path: "/run/weft/gateway.sock")),
      ("unix:/tmp/a:b c é.sock", .unix(path: "/tmp/a:b c é.sock")),
      ("unix:\(Self.longPath)", .unix(path: Self.longPath)),
    ]
    for (text, address) in expected {
      #expect(try TransportAddress(parsing: text, field: "listen") == address)
    }
  }

  @Test(
    "that is none of these is refused by the setting's name",
    arguments: [
      "", ":", ":80", "localhost", "localhost:", "localhost:65536", "localhost:-1", "localhost:+80",
      "localhost:８０", "localhost:80 ", " localhost:80", "::1:80", "[::1]", "[]:80", "[::1:80",
      "[[::1]]:80", "http://localhost:80", "a b:80", "a/b:80", "a\0b:80", "höst:80", "unix:",
      "unix:relative", "unix:/a\0b", "unix:\(Self.longPath)p",
      String(repeating: "h", count: 254) + ":1",
    ]
  )
  func bad(_ text: String) throws {
    let error = try #require(throws: MeshError.self) {
      try TransportAddress(parsing: text, field: "scheduler")
    }
    #expect(error.code == .invalidArgument)
    #expect(error.field == "scheduler")
    #expect(error.message.hasPrefix("scheduler must "))
  }

  @Test("that is accepted is what its description parses to")
  func description() throws {
    let seed = UInt64.random(in: 0 ... .max)
    var generator = SeededGenerator(seed: seed)
    let alphabet = Array("ab.:-_[]%1980/unix: é")
    var accepted = 0
    for _ in 0..<20_000 {
      let prefix = ["", "unix:/", "[::1]:", "h:"].randomElement(using: &generator) ?? ""
      let length = Int.random(in: 0...8, using: &generator)
      let tail = (0..<length).map { _ in alphabet.randomElement(using: &generator) ?? "a" }
      let text = prefix + String(tail)
      guard let address = try? TransportAddress(parsing: text, field: "x") else { continue }
      accepted += 1
      let again = try TransportAddress(parsing: "\(address)", field: "x")
      #expect(again == address, "\(text), seed \(seed)")
    }
    #expect(accepted > 1000, "seed \(seed)")
  }
}
