import BlockCache
import MeshTypes
import TestSupport
import Testing

@Suite("Block pool")
struct BlockPoolTests {
  func key(_ content: TokenID) -> BlockKey {
    BlockKey.root(modelDigest: [], numericsID: "", layout: "", blockSizeTokens: 1)
      .child(of: [content])
  }

  func allocate(_ count: Int, from pool: inout BlockPool) throws -> [BlockID] {
    try (0..<count).map { _ in
      let block = pool.allocate()
      return try #require(block)
    }
  }

  @Test("A new pool hands out every block once, then none")
  func exhaustion() throws {
    var pool = BlockPool(blockCount: 3)
    let blocks = try allocate(3, from: &pool)
    #expect(blocks.map(\.rawValue) == [0, 1, 2])
    let further = pool.allocate()
    #expect(further == nil)
    #expect(pool.freeCount == 0)
  }

  @Test("An empty pool is legal and always exhausted")
  func emptyPool() throws {
    var pool = BlockPool(blockCount: 0)
    let block = pool.allocate()
    #expect(block == nil)
    try pool.checkInvariants()
  }

  @Test("A shared block is free only after its last reference is dropped")
  func sharing() throws {
    var pool = BlockPool(blockCount: 1)
    let block = try allocate(1, from: &pool)[0]
    pool.retain(block)
    pool.release(block)
    #expect(pool.freeCount == 0)
    #expect(pool.referenceCount(of: block) == 1)
    pool.release(block)
    #expect(pool.freeCount == 1)
  }

  @Test("A freed block is found by its key until it is allocated again")
  func cachedBlockStaysFindable() throws {
    var pool = BlockPool(blockCount: 1)
    let block = try allocate(1, from: &pool)[0]
    pool.publish(block, as: key(7))
    pool.release(block)
    #expect(pool.lookup(key(7)) == block)

    let again = pool.allocate()
    #expect(again == block)
    #expect(pool.lookup(key(7)) == nil)
    #expect(pool.evictionCount == 1)
    try pool.checkInvariants()
  }

  @Test("A hit takes a block off the free list, wherever it stands there")
  func hitUnlinks() throws {
    var pool = BlockPool(blockCount: 3)
    let blocks = try allocate(3, from: &pool)
    for (content, block) in blocks.enumerated() { pool.publish(block, as: key(TokenID(content))) }
    for block in blocks { pool.release(block) }

    pool.retain(blocks[1])
    #expect(pool.freeBlocks == [blocks[0], blocks[2]])
    #expect(pool.lookup(key(1)) == blocks[1])
    try pool.checkInvariants()
  }

  @Test("The tail of a freed table is evicted before its head")
  func tailsGoFirst() throws {
    var pool = BlockPool(blockCount: 3)
    let table = try allocate(3, from: &pool)
    for (content, block) in table.enumerated() { pool.publish(block, as: key(TokenID(content))) }
    pool.release(table: table)
    #expect(pool.freeBlocks == table.reversed())
  }

  @Test("Blocks without a key are used before cached ones, then the longest freed")
  func evictionOrder() throws {
    var pool = BlockPool(blockCount: 4)
    let blocks = try allocate(4, from: &pool)
    pool.publish(blocks[0], as: key(0))
    pool.publish(blocks[2], as: key(2))
    for block in [blocks[2], blocks[1], blocks[0], blocks[3]] { pool.release(block) }
    #expect(pool.freeBlocks == [blocks[3], blocks[1], blocks[2], blocks[0]])
  }

  @Test("Of two blocks with the same content the first stays in the index")
  func duplicateContent() throws {
    var pool = BlockPool(blockCount: 2)
    let blocks = try allocate(2, from: &pool)
    let isFirstFindable = pool.publish(blocks[0], as: key(5))
    let isSecondFindable = pool.publish(blocks[1], as: key(5))
    #expect(isFirstFindable && !isSecondFindable)
    #expect(pool.lookup(key(5)) == blocks[0])
    #expect(pool.key(of: blocks[1]) == nil)
    pool.release(table: blocks)
    #expect(pool.freeBlocks == [blocks[1], blocks[0]])
    try pool.checkInvariants()
  }

  @Test("The longest prefix ends at the first block that is missing")
  func longestPrefix() throws {
    var pool = BlockPool(blockCount: 3)
    let blocks = try allocate(3, from: &pool)
    for content in [0, 1, 3] { pool.publish(blocks[min(content, 2)], as: key(TokenID(content))) }
    pool.release(blocks[0])

    let match = pool.longestPrefix(of: [0, 1, 2, 3].map(key))
    #expect(match.blockCount == 2)
    #expect(match.freeBlockCount == 1)
    #expect(pool.longestPrefix(of: [key(9)]).blockCount == 0)
  }

  @Test("Random operations agree with a naive model", arguments: 0..<200 as Range<UInt64>)
  func agreesWithModel(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let blockCount = Int.random(in: 1...12, using: &random)
    var pool = BlockPool(blockCount: blockCount)
    var model = NaiveBlockPool(blockCount: blockCount)
    var held: [BlockID] = []
    for _ in 0..<300 {
      switch Int.random(in: 0..<5, using: &random) {
      case 0, 1:
        let block = pool.allocate()
        let expected = model.allocate()
        try #require(block == expected, "seed \(seed)")
        if let block { held.append(block) }
      case 2:
        guard let place = held.indices.randomElement(using: &random) else { continue }
        let block = held.remove(at: place)
        pool.release(block)
        model.release(block)
      case 3:
        guard let block = held.randomElement(using: &random), model.keys[block] == nil else {
          continue
        }
        let content = key(TokenID.random(in: 0..<20, using: &random))
        let isFindable = pool.publish(block, as: content)
        let isFindableInModel = model.publish(block, content)
        #expect(isFindable == isFindableInModel, "seed \(seed)")
      default:
        let content = key(TokenID.random(in: 0..<20, using: &random))
        let block = pool.lookup(content)
        try #require(block == model.lookup(content), "seed \(seed)")
        guard let block else { continue }
        pool.retain(block)
        model.retain(block)
        held.append(block)
      }
      try pool.checkInvariants()
      try #require(pool.freeBlocks == model.free, "seed \(seed)")
      #expect(pool.cachedCount == model.keys.count, "seed \(seed)")
    }
    for block in held { pool.release(block) }
    #expect(pool.freeCount == blockCount, "seed \(seed)")
  }
}
