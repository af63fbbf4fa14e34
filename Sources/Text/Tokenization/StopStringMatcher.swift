package import MeshTypes

/// Finds the first stop string in a stream of text, and holds back what may be the beginning of
/// one.
///
/// The stop string that ends first wins; among those that end together the longest. So the result
/// does not depend on how the text was cut into parts. Strings are compared by their UTF-8 bytes:
/// canonically equivalent spellings are different.
package struct StopStringMatcher: Sendable {
  /// How many stop strings there may be.
  package static let maximumCount = 16
  /// The longest stop string, in UTF-8 bytes.
  package static let maximumLengthBytes = 256

  private var patterns: [Pattern]
  /// Text not yet given out: the longest end of the text so far that begins a stop string.
  private var held: [UInt8] = []
  private var matched: String?

  /// Creates a matcher at the beginning of a text.
  ///
  /// - Parameter stopStrings: At most ``maximumCount``, each of 1...``maximumLengthBytes`` bytes.
  /// - Throws: `MeshError` `invalidArgument` naming `stop`.
  package init(stopStrings: [String]) throws(MeshError) {
    guard stopStrings.count <= Self.maximumCount else {
      throw .invalid(
        "stop",
        "must have at most \(Self.maximumCount) strings, got \(stopStrings.count)"
      )
    }
    patterns = []
    for (index, string) in stopStrings.enumerated() {
      guard (1...Self.maximumLengthBytes).contains(string.utf8.count) else {
        throw .invalid(
          "stop",
          "[\(index)] must have 1...\(Self.maximumLengthBytes) UTF-8 bytes,"
            + " got \(string.utf8.count)"
        )
      }
      patterns.append(Pattern(string))
    }
  }

  /// Takes the next part of the text.
  ///
  /// - Returns: The text that is now known to lie before any stop string, and the stop string once
  ///   one was found; from then on no more text comes.
  package mutating func append(_ text: String) -> (text: String, matched: String?) {
    if let matched { return ("", matched) }
    if patterns.isEmpty { return (text, nil) }
    for byte in text.utf8 {
      held.append(byte)
      guard let length = longestMatch(afterAppending: byte) else { continue }
      defer { held = [] }
      return (String(decoding: held.dropLast(length), as: UTF8.self), matched)
    }
    let kept = patterns.lazy.map(\.matchedCount).max() ?? 0
    defer { held.removeFirst(held.count - kept) }
    return (String(decoding: held.dropLast(kept), as: UTF8.self), nil)
  }

  /// Ends the text.
  ///
  /// - Returns: What was held back, since no stop string came of it.
  package mutating func finish() -> String {
    defer { held = [] }
    return String(decoding: held, as: UTF8.self)
  }

  /// Advances every pattern, and notes the longest that is now complete.
  private mutating func longestMatch(afterAppending byte: UInt8) -> Int? {
    var longest = 0
    for index in patterns.indices where patterns[index].advance(byte) {
      guard patterns[index].length > longest else { continue }
      longest = patterns[index].length
      matched = patterns[index].string
    }
    return longest > 0 ? longest : nil
  }
}

extension StopStringMatcher {
  /// One stop string and how much of it the text ends with (Knuth, Morris and Pratt 1977).
  private struct Pattern: Sendable {
    let string: String
    private let bytes: [UInt8]
    /// For each length n the longest proper beginning of the first n bytes that also ends them.
    private let borders: [Int]
    private(set) var matchedCount = 0

    var length: Int { bytes.count }

    init(_ string: String) {
      self.string = string
      bytes = Array(string.utf8)
      var borders = [0, 0]
      for byte in bytes.dropFirst() {
        var border = borders[borders.count - 1]
        while border > 0 && bytes[border] != byte { border = borders[border] }
        borders.append(bytes[border] == byte ? border + 1 : 0)
      }
      self.borders = borders
    }

    /// Takes the next byte of the text; true when the whole string has come.
    ///
    /// - Precondition: It has not returned true before.
    mutating func advance(_ byte: UInt8) -> Bool {
      while matchedCount > 0 && bytes[matchedCount] != byte { matchedCount = borders[matchedCount] }
      if bytes[matchedCount] == byte { matchedCount += 1 }
      return matchedCount == bytes.count
    }
  }
}
