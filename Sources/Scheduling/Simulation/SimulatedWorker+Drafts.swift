import MeshTypes
import Scheduling

/// Guesses of how sequences go on.
extension SimulatedWorker {
  /// Where a slice begins.
  func beginning(
    of slice: PlannedSlice,
    _ sequence: SimulatedSequence
  ) throws(SimulationViolation) -> Int {
    guard slice.draftLimit != nil else { return slice.startPosition }
    try require(slice.tokenCount == 1 && slice.samples, "drafts for what does not decode")
    try require(
      slice.startPosition < sequence.tokens.count,
      "a slice begins after its sequence's end"
    )
    return sequence.tokens.count - 1
  }

  /// Guesses some tokens, right or wrong as it happens, and writes them to memory. What they leave there
  /// is void, until they turn out to be right.
  mutating func draft(_ id: SequenceID, limit: Int) throws(SimulationViolation) {
    guard var sequence = sequences.removeValue(forKey: id) else { return }
    defer { sequences[id] = sequence }
    let end = sequence.tokens.count
    var chance = SplitMix64.mix(sequence.state ^ 0xD4AF)
    let count = guesses.hasAnyLength ? Int(chance % UInt64(limit + 1)) : limit
    let draft = (0..<count).map { _ in
      chance = SplitMix64.mix(chance)
      let right = SimulatedModel.token(
        at: sequence.tokens.count,
        after: sequence.state,
        sequence.seed
      )
      // 53 bits are what a Double has.
      let token = Double(chance >> 11) * 0x1p-53 < guesses.acceptance ? right : right ^ 1
      sequence.append(token)
      return token
    }
    try memory.write(end..<sequence.tokens.count, of: sequence)
    sequence.removeLast(draft.count)
    memory.void(end..<end + draft.count, of: sequence)
    drafts[id] = draft
  }
}
