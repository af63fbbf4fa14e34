import BlockCache
import Testing

@Suite("Block keys")
struct BlockKeyTests {
  // The expected digests come from Python's hashlib over the documented fields.
  let root = BlockKey.root(
    modelDigest: [1, 2, 3],
    numericsID: "avx2-q4_1",
    layout: "f16",
    blockSizeTokens: 16
  )

  func hexadecimal(_ key: BlockKey) -> String {
    key.bytes.map { String($0 / 16, radix: 16) + String($0 % 16, radix: 16) }.joined()
  }

  @Test("The root key is SHA-256 over length-prefixed fields")
  func rootKey() {
    #expect(
      hexadecimal(root) == "7169674fa97815bf58b5e474f67adeb3d46b90295a289149de5839d12bbcba45"
    )
    #expect(root.description == "7169674fa97815bf")
  }

  @Test("A block's key is SHA-256 over its parent's key and its ids as little-endian UInt32")
  func childKey() {
    #expect(
      hexadecimal(root.child(of: [0, 1, 256, 49151]))
        == "9965f307dd64817945b5712c3cde83e41f6d509d57bf96e503b870e3fdd54a78"
    )
  }

  @Test("A tenant's salt gives another root; an empty one the same")
  func salt() {
    let salted = root.salted(by: Array("tenant".utf8))
    #expect(
      hexadecimal(salted) == "a22e69b6f35cdd0184ccf4c92cb4a096862a877736eb9525809bd045a782a31b"
    )
    #expect(root.salted(by: []) == root)
    #expect(
      BlockKey.root(
        modelDigest: [1, 2, 3],
        numericsID: "avx2-q4_1",
        layout: "f16",
        blockSizeTokens: 16,
        tenantSalt: Array("tenant".utf8)
      ) == salted
    )
  }

  @Test("Every field is part of the root, and none runs into the next")
  func fieldsAreSeparate() {
    let roots = [
      root,
      .root(modelDigest: [1, 2], numericsID: "avx2-q4_1", layout: "f16", blockSizeTokens: 16),
      .root(modelDigest: [1, 2, 3], numericsID: "avx2-q4_1f", layout: "16", blockSizeTokens: 16),
      .root(modelDigest: [1, 2, 3], numericsID: "avx2-q4_1", layout: "f16", blockSizeTokens: 32),
    ]
    #expect(Set(roots).count == roots.count)
  }

  @Test("A key survives its bytes; any other number of bytes is none")
  func bytes() {
    #expect(BlockKey(bytes: root.bytes) == root)
    #expect(BlockKey(bytes: root.bytes.dropLast()) == nil)
    #expect(BlockKey(bytes: root.bytes + [0]) == nil)
  }

  @Test("A chain keys full blocks only, and the same however it is extended")
  func chain() {
    var atOnce = BlockKeyChain(root: root, blockSizeTokens: 4)
    atOnce.extend(over: Array(0..<11))
    #expect(atOnce.keys == [root.child(of: 0..<4), root.child(of: 0..<4).child(of: 4..<8)])

    var stepwise = BlockKeyChain(root: root, blockSizeTokens: 4)
    for count in 0...11 { stepwise.extend(over: Array(0..<UInt32(count))) }
    #expect(stepwise.keys == atOnce.keys)
  }

  @Test("What follows the full blocks has a key, which is that of no block")
  func tail() {
    let tokens = Array(0..<11 as Range<UInt32>)
    var chain = BlockKeyChain(root: root, blockSizeTokens: 4)
    chain.extend(over: tokens)
    #expect(chain.parent(ofBlock: 0) == root)
    #expect(chain.parent(ofBlock: 2) == chain.keys[1])
    #expect(chain.tailKey(of: tokens, count: 10) == chain.keys[1].child(of: [8, 9]))
    #expect(chain.tailKey(of: tokens, count: 7) == chain.keys[0].child(of: [4, 5, 6]))
    #expect(chain.tailKey(of: tokens, count: 2) == root.child(of: [0, 1]))
    #expect(chain.tailKey(of: tokens, count: 8) == nil)
    #expect(chain.tailKey(of: tokens, count: 0) == nil)
  }
}
