import BlockCache
import MeshTypes
import Scheduling

/// A sequence as a worker knows it.
struct SimulatedSequence {
  let seed: SimulatedSeed
  let blockSize: Int
  private(set) var tokens: [TokenID] = []
  /// The state after all tokens.
  private(set) var state = SimulatedModel.initialState
  /// `fullStates[i]` is the state after full block `i`.
  private var fullStates: [UInt64] = []
  var table: [BlockID] = []
  /// Slices of plans that were made before the failure was known do nothing.
  var hasFailed = false

  init(_ start: SequenceStart, blockSize: Int) {
    seed = SimulatedSeed(rawValue: start.sampling.seed)
    self.blockSize = blockSize
    tokens.reserveCapacity(start.tokenIDs.count)
    for token in start.tokenIDs { append(token) }
  }

  mutating func append(_ token: TokenID) {
    tokens.append(token)
    state = SimulatedModel.advance(state, by: token)
    if tokens.count % blockSize == 0 { fullStates.append(state) }
  }

  /// The state after the first `count` tokens.
  func state(after count: Int) -> UInt64 {
    if count == tokens.count { return state }
    let full = count / blockSize
    var state = full == 0 ? SimulatedModel.initialState : fullStates[full - 1]
    for token in tokens[full * blockSize..<count] {
      state = SimulatedModel.advance(state, by: token)
    }
    return state
  }

  /// Visits positions in order, each with the state after it; all in one block.
  func forEachState(in range: Range<Int>, _ body: (_ position: Int, _ state: UInt64) -> Void) {
    var state = state(after: range.lowerBound)
    for position in range {
      state = SimulatedModel.advance(state, by: tokens[position])
      body(position, state)
    }
  }
}
