import GRPCCoreTransport
import Testing

@Suite struct TransportAddressTests {
  @Test(arguments: [
    ("127.0.0.1:0", TransportAddress.tcp(host: "127.0.0.1", port: 0)),
    ("scheduler:50051", .tcp(host: "scheduler", port: 50051)),
    ("[::1]:65535", .tcp(host: "::1", port: 65535)),
    ("unix:/run/weft/a b", .unix(path: "/run/weft/a b")),
    ("unix:relative", .unix(path: "relative")),
  ])
  func readsWhatItWrites(text: String, address: TransportAddress) {
    #expect(TransportAddress(text) == address)
    #expect(address.description == text)
  }

  @Test(arguments: [
    "", ":", "host", "host:", ":80", "host:port", "host:-1", "host:65536", "::1:80", "[]:80",
    "unix:",
  ])
  func refusesWhatIsNoAddress(text: String) {
    #expect(TransportAddress(text) == nil)
  }
}
