import BlockCache
import MeshTypes
import Scheduling

/// The KV memory of a simulated worker. A block knows what was written to it: how many slots from its
/// beginning, and the state after each of them, which stands for the whole history before.
struct SimulatedMemory {
  struct Block {
    var filledCount = 0
    /// Block tables that it is in.
    var holders = 0
    /// Whether a load writes to it.
    var isLoading = false
  }

  let blockSize: Int
  private(set) var blocks: [Block]
  /// Of all slots, block after block: what can be told of a state in half its size.
  private var states: [UInt32]

  init(blockCount: Int, blockSize: Int) {
    self.blockSize = blockSize
    blocks = Array(repeating: Block(), count: blockCount)
    states = Array(repeating: 0, count: blockCount * blockSize)
  }

  subscript(id: BlockID) -> Block { blocks[Int(id.rawValue)] }

  /// What a block's filled slots hold.
  func content(of id: BlockID) -> [UInt32] {
    let first = Int(id.rawValue) * blockSize
    return Array(states[first..<first + self[id].filledCount])
  }

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
          || present.filledCount == offset
            && states[block * blockSize + offset - 1]
              == UInt32(truncatingIfNeeded: sequence.state(after: position)),
        "block \(block) is continued at \(offset) after what another history wrote"
      )
      blocks[block].filledCount = offset + end - position
      sequence.forEachState(in: position..<end) { position, state in
        let slot = block * blockSize + position % blockSize
        states[slot] = UInt32(truncatingIfNeeded: state)
      }
      position = end
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
          && states[Int(sequence.table[number].rawValue) * blockSize + block.filledCount - 1]
            == UInt32(truncatingIfNeeded: sequence.state(after: last)),
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

  /// - Parameter content: What came; nil if nothing did.
  mutating func endLoad(_ id: BlockID, _ content: [UInt32]?) {
    blocks[Int(id.rawValue)].isLoading = false
    if let content { fill(id, with: content) }
  }

  /// Makes a copy of what is needed of a block.
  mutating func make(_ copy: BlockCopy) throws(SimulationViolation) {
    try require(1...blockSize ~= copy.tokenCount, "a copy is not within a block")
    try require(
      !self[copy.source].isLoading && !self[copy.destination].isLoading,
      "a block is copied while it is being loaded"
    )
    try require(
      self[copy.destination].holders == 0,
      "a copy goes to a block that a started sequence has"
    )
    try require(
      self[copy.source].filledCount >= copy.tokenCount,
      "a block is copied that was not written so far"
    )
    fill(copy.destination, with: content(of: copy.source).prefix(copy.tokenCount))
  }

  private mutating func fill(_ id: BlockID, with content: some Collection<UInt32>) {
    let first = Int(id.rawValue) * blockSize
    states.replaceSubrange(first..<first + content.count, with: content)
    blocks[Int(id.rawValue)].filledCount = content.count
  }
}
