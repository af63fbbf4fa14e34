import GRPCCoreTransport
import Testing

@Suite struct TransportAddressTests {
  @Test(arguments: [
    (TransportAddress.tcp(host: "127.0.0.1", port: 0), "127.0.0.1:0"),
    (.tcp(host: "scheduler", port: 50051), "scheduler:50051"),
    (.tcp(host: "::1", port: 65535), "[::1]:65535"),
    (.tcp(host: "[::1]", port: 1), "[::1]:1"),
    (.unix(path: "/run/weft/a b"), "unix:/run/weft/a b"),
  ])
  func isWrittenAsPeopleWriteIt(address: TransportAddress, text: String) {
    #expect(address.description == text)
  }
}
