import BlockCache
import Testing

@Suite("Keys of a namespace where namespaces are not told apart")
struct NamespaceKeySpaceTests {
  private let key = BlockKey.root(
    modelDigest: [1],
    numericsID: "n",
    layout: "l",
    blockSizeTokens: 16
  )

  @Test("the same namespace and key give the same key, others give others")
  func injective() {
    let a = NamespaceKeySpace(namespace: "a")
    let other = key.child(of: [1])
    #expect(a.key(for: key) == NamespaceKeySpace(namespace: "a").key(for: key))
    let keys: Set = [
      key, other, a.key(for: key), a.key(for: other),
      NamespaceKeySpace(namespace: "b").key(for: key),
      NamespaceKeySpace(namespace: "").key(for: key),
    ]
    #expect(keys.count == 6)
  }

  @Test("the key is what docs/formats/segment.md says")
  func digest() {
    // Python: sha256(b"weftkey" + sha256(b"weft.store.keys.v1" + b"shared").digest()[:16] + key)
    let zero = BlockKey(from: [UInt8](repeating: 0, count: 32).span.bytes, at: 0)
    let digits = NamespaceKeySpace(namespace: "shared").key(for: zero).bytes
      .map { String($0 / 16, radix: 16) + String($0 % 16, radix: 16) }.joined()
    #expect(digits == "90d4ea5fe1dcf7cbe15baddf7da71d4376fb2ebbf882b5489b09bd2800770664")
  }

  @Test("a key read from the middle of bytes is the key of those bytes")
  func reading() {
    let bytes = (0..<100).map { UInt8($0) }
    #expect(BlockKey(from: bytes.span.bytes, at: 7) == BlockKey(bytes: bytes[7..<39]))
  }
}
