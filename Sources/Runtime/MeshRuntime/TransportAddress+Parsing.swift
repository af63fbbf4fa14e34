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
          "must hold an absolute path of at most \(Self.maximumUnixPathBytes) bytes after unix:"
        )
      }
      self = .unix(path: path)
      return
    }
    guard let colon = text.lastIndex(of: ":"), colon != text.startIndex,
      let port = UInt16(text[text.index(after: colon)...]),
      text[text.index(after: colon)...].utf8.allSatisfy(isDigit)
    else {
      throw .invalid(field, "must be host:port (port 0...65535) or unix:/path, got \"\(text)\"")
    }
    var host = String(text[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = String(host.dropFirst().dropLast())
    } else if host.contains(":") {
      throw .invalid(field, "must put an IPv6 address in brackets, got \"\(text)\"")
    }
    guard (1...253).contains(host.utf8.count), host.utf8.allSatisfy(isAllowedInHost) else {
      throw .invalid(
        field,
        "must name a host of 1...253 letters, digits or .-_:%, got \"\(text)\""
      )
    }
    self = .tcp(host: host, port: Int(port))
  }
}

private func isDigit(_ byte: UInt8) -> Bool {
  (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
}

/// The characters of host names, of literal addresses and of the zones behind them.
private func isAllowedInHost(_ byte: UInt8) -> Bool {
  isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    || ".-_:%".utf8.contains(byte)
}
