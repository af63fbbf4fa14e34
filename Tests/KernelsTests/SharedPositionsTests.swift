import Kernels
import MeshTypes
import Testing

@Suite("Rows that begin with the same blocks")
struct SharedPositionsTests {
  /// Slices as (rows, first position, blocks), with blocks of 16 tokens.
  private static func shared(_ slices: [(Int, Int, [UInt32])]) -> [Int] {
    var rows = PagedRows(blockSizeTokens: 16)
    for (count, position, blocks) in slices {
      rows.append(rowCount: count, firstPosition: position, blockTable: blocks.map { BlockID($0) })
    }
    rows.groupSharedBlocks()
    return rows.sharedPositionCounts
  }

  private static func blocks(_ shared: Range<UInt32>, _ own: Range<UInt32>) -> [UInt32] {
    Array(shared) + Array(own)
  }

  @Test("are a group, in whole chunks of 64 positions")
  func group() {
    let counts = Self.shared([
      (1, 165, Self.blocks(0..<10, 20..<21)), (1, 170, Self.blocks(0..<10, 30..<31)),
      (1, 200, Self.blocks(50..<63, 0..<0)),
    ])
    #expect(counts == [128, 128, 0])
  }

  @Test("are none below 128 positions, or where a row is within them")
  func tooFew() {
    #expect(
      Self.shared([
        (1, 130, Self.blocks(0..<7, 20..<22)), (1, 130, Self.blocks(0..<7, 30..<32)),
      ]) == [0, 0]
    )
    #expect(
      Self.shared([(1, 127, Self.blocks(0..<8, 0..<0)), (1, 200, Self.blocks(0..<13, 0..<0))])
        == [0, 0]
    )
  }

  @Test("are single rows: several of one sequence share its blocks as they are")
  func singleRows() {
    let blocks = Self.blocks(0..<20, 0..<0)
    #expect(Self.shared([(1, 300, blocks), (2, 300, blocks), (1, 319, blocks)]) == [256, 0, 256])
  }

  @Test("are grouped so that most is saved: three that share little, or two that share much")
  func mostSaved() {
    let little = Self.blocks(0..<8, 100..<140), much = Self.blocks(0..<40, 200..<201)
    let other = Self.blocks(0..<40, 300..<301)
    #expect(
      Self.shared([(1, 650, much), (1, 650, other), (1, 650, little)]) == [640, 640, 0]
    )
    let third = Self.blocks(0..<20, 400..<440), fourth = Self.blocks(0..<20, 500..<540)
    let fifth = Self.blocks(0..<20, 600..<640)
    #expect(
      Self.shared([(1, 650, much), (1, 650, third), (1, 650, fourth), (1, 650, fifth)])
        == [320, 320, 320, 320]
    )
  }

  @Test("make several groups; the rows emptied, none is left")
  func severalGroups() {
    var rows = PagedRows(blockSizeTokens: 16)
    for table in [0..<16, 40..<56, 0..<16, 40..<56] as [Range<UInt32>] {
      rows.append(rowCount: 1, firstPosition: 250, blockTable: table.map { BlockID($0) })
    }
    rows.groupSharedBlocks()
    #expect(rows.sharedPositionCounts == [192, 192, 192, 192])
    rows.removeAll()
    rows.append(rowCount: 1, firstPosition: 250, blockTable: (0..<16).map { BlockID($0) })
    rows.groupSharedBlocks()
    #expect(rows.sharedPositionCounts == [0])
  }

  @Test("are none where one has far more positions of its own, which one thread would go through")
  func farMoreOwn() {
    let long = Self.blocks(0..<16, 100..<300)
    #expect(Self.shared([(1, 3000, long), (1, 255, Self.blocks(0..<16, 0..<0))]) == [0, 0])
  }

  @Test("are looked for anew when a row comes, and not before they are asked for")
  func stale() {
    let blocks = (0..<16 as Range<UInt32>).map { BlockID($0) }
    var rows = PagedRows(blockSizeTokens: 16)
    rows.append(rowCount: 1, firstPosition: 250, blockTable: blocks)
    rows.append(rowCount: 1, firstPosition: 250, blockTable: blocks)
    rows.groupSharedBlocks()
    rows.append(rowCount: 1, firstPosition: 250, blockTable: blocks)
    #expect(rows.sharedPositionCounts == [0, 0, 0])
    rows.groupSharedBlocks()
    #expect(rows.sharedPositionCounts == [192, 192, 192])
  }
}
