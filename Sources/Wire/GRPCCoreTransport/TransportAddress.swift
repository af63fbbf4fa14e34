import Glibc

/// Where a server listens or a client connects.
package enum TransportAddress: Hashable, Sendable, CustomStringConvertible {
  /// A host name or a literal IPv4 or IPv6 address, and a port. A server picks a free port for 0.
  case tcp(host: String, port: Int)
  /// The path of a unix socket, at most 107 bytes.
  case unix(path: String)

  /// As in `127.0.0.1:50051`, `[::1]:50051`, `unix:/run/weft/scheduler`.
  package var description: String {
    switch self {
    case .tcp(let host, let port): "\(bracketed(host)):\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }

  /// What grpc calls the address of a peer, such as `ipv4:127.0.0.1:50051`.
  var peerDescription: String {
    switch self {
    case .tcp(let host, let port):
      if isIPv4(host) {
        "ipv4:\(host):\(port)"
      } else if host.contains(":") {
        "ipv6:\(bracketed(host)):\(port)"
      } else {
        "dns:\(host):\(port)"
      }
    case .unix(let path): "unix:\(path)"
    }
  }

  /// The name that core's resolvers understand.
  var clientTarget: String {
    switch self {
    case .tcp(let host, let port):
      if isIPv4(host) {
        "ipv4:\(host):\(port)"
      } else if host.contains(":") {
        "ipv6:\(percentEncoded(bracketed(host))):\(port)"
      } else {
        "dns:///\(host):\(port)"
      }
    case .unix(let path): "unix:\(percentEncoded(path))"
    }
  }

  /// The name that core's server binds.
  var bindingName: String {
    switch self {
    case .tcp(let host, let port): "\(bracketed(host)):\(port)"
    case .unix(let path): "unix:\(percentEncoded(path))"
    }
  }

  private func bracketed(_ host: String) -> String {
    host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
  }

  private func isIPv4(_ host: String) -> Bool {
    var address = in_addr()
    return inet_pton(AF_INET, host, &address) == 1
  }

  private func percentEncoded(_ text: String) -> String {
    var encoded = ""
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "-"),
        UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
        encoded.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        encoded += byte < 16 ? "%0\(digits)" : "%\(digits)"
      }
    }
    return encoded
  }
}
