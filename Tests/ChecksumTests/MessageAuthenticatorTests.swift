import Checksum
import Synchronization
import TestSupport
import Testing

@Suite("HMAC-SHA-256")
struct MessageAuthenticatorTests {
  /// A test case of RFC 4231.
  struct Example: Sendable, CustomStringConvertible {
    var number: Int
    var key: [UInt8]
    var message: [UInt8]
    var tag: String

    var description: String { "test case \(number)" }
  }

  static let examples: [Example] = [
    Example(
      number: 1,
      key: [UInt8](repeating: 0x0b, count: 20),
      message: Array("Hi There".utf8),
      tag: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    ),
    Example(
      number: 2,
      key: Array("Jefe".utf8),
      message: Array("what do ya want for nothing?".utf8),
      tag: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    Example(
      number: 3,
      key: [UInt8](repeating: 0xaa, count: 20),
      message: [UInt8](repeating: 0xdd, count: 50),
      tag: "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
    ),
    Example(
      number: 4,
      key: Array(1...25),
      message: [UInt8](repeating: 0xcd, count: 50),
      tag: "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
    ),
    Example(
      number: 6,
      key: [UInt8](repeating: 0xaa, count: 131),
      message: Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
      tag: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    ),
    Example(
      number: 7,
      key: [UInt8](repeating: 0xaa, count: 131),
      message: Array(
        ("This is a test using a larger than block-size key and a larger than block-size data. "
          + "The key needs to be hashed before being used by the HMAC algorithm.").utf8
      ),
      tag: "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
    ),
  ]

  /// The tag of a message in pieces that end where `cuts` says.
  private static func tag(
    _ authenticator: MessageAuthenticator,
    _ message: [UInt8],
    cuts: [Int] = []
  ) -> [UInt8] {
    authenticator.tag { update in
      var start = 0
      for end in cuts + [message.count] {
        update(message.span.bytes.extracting(start..<end))
        start = end
      }
    }
  }

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  @Test("the examples of RFC 4231 come out right, time and again", arguments: examples)
  func example(_ example: Example) {
    let authenticator = MessageAuthenticator(key: example.key)
    for _ in 0..<2 {
      #expect(Self.hexadecimal(Self.tag(authenticator, example.message)) == example.tag)
    }
  }

  @Test("a message in pieces, empty ones among them, has the tag of the whole")
  func pieces() {
    var generator = SeededGenerator(seed: 1)
    let message = (0..<5000).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let authenticator = MessageAuthenticator(key: Array("a key".utf8))
    let whole = Self.tag(authenticator, message)
    for cuts in [[0], [5000], [1, 1, 64], [63, 64, 65, 4096], Array(0..<200)] {
      #expect(Self.tag(authenticator, message, cuts: cuts) == whole, "cuts at \(cuts)")
    }
    #expect(authenticator.tag { _ in } == Self.tag(authenticator, []))
  }

  @Test("tags differ with every bit of message and key")
  func sensitivity() {
    let message = Array("sixteen bytes of".utf8)
    let key = Array("sixteen more of ".utf8)
    var tags: Set<[UInt8]> = [Self.tag(MessageAuthenticator(key: key), message)]
    for bit in 0..<128 {
      var changed = message
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      tags.insert(Self.tag(MessageAuthenticator(key: key), changed))
      changed = key
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      tags.insert(Self.tag(MessageAuthenticator(key: changed), message))
    }
    #expect(tags.count == 257)
  }

  @Test("many threads at once get the tags that one gets")
  func threads() async {
    let messages = (0..<16).map { number in
      [UInt8](repeating: UInt8(number), count: 1000 * (number + 1))
    }
    let authenticator = MessageAuthenticator(key: Array("a key".utf8))
    let expected = messages.map { Self.tag(MessageAuthenticator(key: Array("a key".utf8)), $0) }
    await withDiscardingTaskGroup { group in
      for (message, tag) in zip(messages, expected) {
        group.addTask { @concurrent in
          for _ in 0..<200 { #expect(Self.tag(authenticator, message) == tag) }
        }
      }
    }
  }

  @Test("tags are equal only if every byte is, and the length")
  func equality() {
    let tag = [UInt8](0..<32)
    #expect(MessageAuthenticator.areEqual(tag, tag))
    #expect(MessageAuthenticator.areEqual([], []))
    #expect(!MessageAuthenticator.areEqual(tag, Array(tag[..<31])))
    #expect(!MessageAuthenticator.areEqual([], tag))
    for place in tag.indices {
      var other = tag
      other[place] ^= 0x80
      #expect(!MessageAuthenticator.areEqual(tag, other))
    }
  }
}
