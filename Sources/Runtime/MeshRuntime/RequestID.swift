package import GRPCCore

/// The id that follows one request through every service's logs, in the metadata `x-request-id`.
package enum RequestID {
  /// The metadata key.
  package static let metadataKey = "x-request-id"
  private static let maximumBytes = 128

  /// The id that came with a call, or a new random one if there is none that can be logged
  /// (1 to 128 visible ASCII characters).
  package static func adopted(from metadata: Metadata) -> String {
    if let given = metadata[stringValues: metadataKey].first(where: { _ in true }),
      (1...maximumBytes).contains(given.utf8.count),
      given.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
    {
      return given
    }
    return make(using: SystemRandomNumberGenerator())
  }

  /// A new id: 16 random bytes in hexadecimal.
  package static func make(using generator: some RandomNumberGenerator) -> String {
    var generator = generator
    return (0..<2).map { _ in
      let hex = String(generator.next(), radix: 16)
      return String(repeating: "0", count: 16 - hex.count) + hex
    }.joined()
  }

  /// Metadata that carries an id.
  package static func metadata(_ id: String) -> Metadata { [metadataKey: .string(id)] }
}
