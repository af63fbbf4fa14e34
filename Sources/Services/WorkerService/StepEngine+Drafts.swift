import MeshProtos
import MeshTypes
import Transformer

extension StepEngine {
  /// The slice of a sequence that decodes on drafts: its last token, and guesses of what follows.
  ///
  /// - Throws: ``MeshError`` naming the field at fault.
  func prepareDraft(
    _ slice: Weft_Worker_V1_SequenceSlice
  ) throws(MeshError) -> SequenceSlice {
    guard slice.tokenCount == 1, slice.samples else {
      throw .invalid("slices.draft_limit", "must be absent unless one position is sampled from")
    }
    let id = slice.sequence
    guard var sequence = sequences[id] else { preconditionFailure("unknown sequence") }
    // Taken out meanwhile, so that its tokens have one owner.
    sequences[id] = nil
    defer { sequences[id] = sequence }
    let count = sequence.tokenIDs.count
    guard Int(slice.startPosition) < count else {
      throw .invalid(
        "slices.start_position",
        "must be in 0...\(count - 1), got \(slice.startPosition)"
      )
    }
    let positionLimit = min(
      runner.configuration.contextLength,
      sequence.blockTable.count * runner.settings.blockSizeTokens
    )
    let limit = min(Int(slice.draftLimit), batch.draftRoom, positionLimit - count)
    let length = limit > 0 ? sequence.draftPace.next(limit: limit) : 0
    let draftCount = PromptLookup.extend(&sequence.tokenIDs, by: length)
    let prepared = SequenceSlice(
      tokenIDs: sequence.tokenIDs[(count - 1)...],
      startPosition: count - 1,
      blockTable: sequence.blockTable,
      logits: draftCount > 0 ? .allTokens : .lastToken
    )
    try runner.validate(prepared, "slices")
    return prepared
  }
}
