package import GRPCCoreTransport
package import MeshTypes

extension TransportAddress {
  /// The longest path that a `sockaddr_un` holds with its terminating zero.
  private static let maximumUnixPathBytes = 107

  /// Parses an address.
  ///
  /// - Parameters:
  ///   - text: `host:port`, `[v6]:port` or `unix:/path`.
  ///   - field: The setting or request field it came in, for the error.
  /// - Throws: ``MeshError`` `invalidArgument` naming `field`.
  package init(parsing text: String, field: String) throws(MeshError) {
    if text.hasPrefix("unix:") {
      let path = String(text.dropFirst("unix:".count))
      guard path.hasPrefix("/"), path.utf8.count <= Self.maximumUnixPathBytes,
        !path.utf8.contains(0)
      else {
        throw .invalid(
          field,
          "must hold an absolute path of at most \(Self.maximumUnixPathBytes) bytes after unix:")
      }
      self = .unix(path: path)
      return
    }
    guard let colon = text.lastIndex(of: ":"), colon != text.startIndex,
      let port = UInt16(text[text.index(after: colon)...])
    else {
      throw .invalid(field, "must be host:port (port 0...65535) or unix:/path, got \"\(text)\"")
    }
    var host = String(text[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = String(host.dropFirst().dropLast())
    } else if host.contains(":") {
      throw .invalid(field, "must put an IPv6 address in brackets, got \"\(text)\"")
    }
    guard !host.isEmpty, host.utf8.count <= 253 else {
      throw .invalid(field, "must name a host of 1...253 bytes, got \"\(text)\"")
    }
    self = .tcp(host: host, port: Int(port))
  }
}
