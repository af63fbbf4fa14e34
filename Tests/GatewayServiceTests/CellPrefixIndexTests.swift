import GatewayService
import TestSupport
import Testing

@Suite("What is known of cells' prefixes")
struct CellPrefixIndexTests {
  @Test("is the longest prefix without a gap that each was given")
  func longest() {
    var index = CellPrefixIndex(capacity: 100)
    index.insert([1, 2, 3], cell: 0)
    index.insert([1, 2], cell: 2)
    index.insert([1, 9, 3], cell: 63)
    #expect(index.matches(of: [1, 2, 3, 4], cellCount: 64).prefix(3) == [3, 0, 2])
    #expect(index.matches(of: [1, 2, 3, 4], cellCount: 64)[63] == 1)
    #expect(index.matches(of: [2, 3], cellCount: 3) == [2, 0, 1])
    #expect(index.matches(of: [], cellCount: 3) == [0, 0, 0])
  }

  @Test("ends when a cell is forgotten, for that cell alone")
  func forgotten() {
    var index = CellPrefixIndex(capacity: 100)
    index.insert([1, 2], cell: 0)
    index.insert([1], cell: 1)
    index.forget(cell: 0)
    #expect(index.matches(of: [1, 2], cellCount: 2) == [0, 1])
    #expect(index.count == 1)
  }

  @Test("is bounded: what is used stays, what is not goes")
  func bounded() {
    var index = CellPrefixIndex(capacity: 64)
    for round in 0..<1000 {
      index.insert([-1, -2, -3], cell: 1)
      index.insert([10 * round, 10 * round + 1], cell: 0)
      #expect(index.count <= 64)
      #expect(index.matches(of: [-1, -2, -3], cellCount: 2) == [0, 3])
    }
    #expect(index.matches(of: [0], cellCount: 2) == [0, 0])
    #expect(index.matches(of: [9990, 9991], cellCount: 2) == [2, 0])
  }

  @Test("of a prefix larger than all room is its beginning")
  func tooLarge() throws {
    var index = CellPrefixIndex(capacity: 64)
    index.insert(Array(0..<1000), cell: 0)
    let match = try #require(index.matches(of: Array(0..<1000), cellCount: 1).first)
    #expect((31...64).contains(match))
    #expect(index.count <= 64)
  }

  @Test("agrees with an index that forgets nothing, while there is room")
  func random() {
    var generator = SeededGenerator(seed: 11)
    var index = CellPrefixIndex(capacity: 4096)
    var given: [[Int]: Set<Int>] = [:]
    for _ in 0..<300 {
      let chain = (0..<Int.random(in: 1...6, using: &generator)).reduce(into: [Int]()) { chain, _ in
        chain.append((chain.last ?? 0) * 3 + Int.random(in: 1...3, using: &generator))
      }
      let matches = index.matches(of: chain, cellCount: 4)
      for cell in 0..<4 {
        let known = chain.indices.prefix { given[Array(chain[...$0])]?.contains(cell) == true }
        #expect(matches[cell] == known.count)
      }
      let cell = Int.random(in: 0..<4, using: &generator)
      index.insert(chain, cell: cell)
      for end in chain.indices { given[Array(chain[...end]), default: []].insert(cell) }
    }
  }
}
