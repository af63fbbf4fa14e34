import BlockCache
import MeshTypes

/// The KV memory of a simulated worker. A block knows what was written to it: how many slots from its
/// beginning, and the state after the last of them, which stands for the whole history before.
struct SimulatedMemory {
  struct Block {
    var filledCount = 0
    var state: UInt64 = 0
    /// Block tables that it is in.
    var holders = 0
    /// Whether a load writes to it.
    var isLoading = false
  }

  let blockSize: Int
  private(set) var blocks: [Block]

  init(blockCount: Int, blockSize: Int) {
    self.blockSize = blockSize
    blocks = Array(repeating: Block(), count: blockCount)
  }

  subscript(id: BlockID) -> Block { blocks[Int(id.rawValue)] }

  mutating func hold(_ ids: some Sequence<BlockID>) {
    for id in ids { blocks[Int(id.rawValue)].holders += 1 }
  }

  mutating func letGo(_ ids: some Sequence<BlockID>) {
    for id in ids { blocks[Int(id.rawValue)].holders -= 1 }
  }

  /// Writes positions `range` of a sequence into its table. Nobody else may have the blocks, and what
  /// comes before in each must be there.
  mutating func write(
    _ range: Range<Int>,
    of sequence: SimulatedSequence
  ) throws(SimulationViolation) {
    var position = range.lowerBound
    while position < range.upperBound {
      let block = Int(sequence.table[position / blockSize].rawValue)
      let end = min(range.upperBound, (position / blockSize + 1) * blockSize)
      let offset = position % blockSize
      let present = blocks[block]
      try require(!present.isLoading, "block \(block) is written while it is being loaded")
      try require(present.holders == 1, "block \(block) is written in \(present.holders) tables")
      try require(
        offset == 0
          || present.filledCount == offset && present.state == sequence.state(after: position),
        "block \(block) is continued at \(offset) after what another history wrote"
      )
      blocks[block].filledCount = offset + end - position
      blocks[block].state = sequence.state(after: end)
      position = end
    }
  }

  /// Notes that what a sequence has written at positions `range` is worth nothing, and that it has no
  /// tokens there.
  mutating func void(_ range: Range<Int>, of sequence: SimulatedSequence) {
    guard !range.isEmpty else { return }
    for number in range.lowerBound / blockSize...(range.upperBound - 1) / blockSize {
      let block = Int(sequence.table[number].rawValue)
      let end = max(number * blockSize, range.lowerBound)
      blocks[block].filledCount = end - number * blockSize
      blocks[block].state = end % blockSize == 0 ? 0 : sequence.state(after: end)
    }
  }

  /// Checks that a sequence finds its own history at all positions before `end`.
  func read(to end: Int, of sequence: SimulatedSequence) throws(SimulationViolation) {
    for number in 0..<(end + blockSize - 1) / blockSize {
      let block = self[sequence.table[number]]
      let last = min(end, (number + 1) * blockSize)
      try require(!block.isLoading, "a block is read while it is being loaded")
      try require(
        block.filledCount == last - number * blockSize
          && block.state == sequence.state(after: last),
        "logical block \(number) holds what another history wrote"
      )
    }
  }

  mutating func beginLoad(_ id: BlockID) throws(SimulationViolation) {
    try require(!self[id].isLoading, "two loads write to one block")
    try require(self[id].holders == 0, "a load writes to a block that a started sequence has")
    blocks[Int(id.rawValue)].isLoading = true
    blocks[Int(id.rawValue)].filledCount = 0
  }

  /// - Parameter state: The content that came; nil if none did.
  mutating func endLoad(_ id: BlockID, _ state: UInt64?) {
    blocks[Int(id.rawValue)].isLoading = false
    guard let state else { return }
    blocks[Int(id.rawValue)].state = state
    blocks[Int(id.rawValue)].filledCount = blockSize
  }
}
