/// A string that equals another only if their UTF-8 bytes are the same.
///
/// `String` compares by canonical equivalence, for which `é` in one scalar and in two are one key;
/// to a vocabulary they are different tokens.
struct ExactText: Hashable, Sendable {
  private let text: String

  init(_ text: some StringProtocol) { self.text = String(text) }

  static func == (lhs: Self, rhs: Self) -> Bool { lhs.text.utf8.elementsEqual(rhs.text.utf8) }

  func hash(into hasher: inout Hasher) {
    for byte in text.utf8 { hasher.combine(byte) }
    hasher.combine(0xFF as UInt8)
  }
}
