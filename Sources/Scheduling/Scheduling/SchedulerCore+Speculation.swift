/// Speculative decoding: while a worker runs few sequences, its steps may verify drafts, tokens that the
/// worker guesses from a sequence's own text. A slice then yields between one token and one more than
/// it has drafts, and until its result is there a sequence's length is known by its bounds alone.
///
/// What is sampled does not depend on it: a draft counts only if it is the very token that is sampled
/// at its position.
extension SchedulerCore {
  /// The most drafts that a sequence's next slice may have, if budget and blocks are there.
  ///
  /// A suspect has none: how far it gets is what it is judged by. Nor has a sequence on a worker for
  /// prompts, which stores blocks as they become full and must know when they do.
  func draftWish(of slot: Int, on worker: Int) -> Int {
    guard settings.maxDraftTokens > 0, sequences[slot].wantedCount == 1,
      workers[worker].running.count <= settings.maxSpeculatingSequences,
      workers[worker].capabilities.role != .prefill, !sequences[slot].isSuspect
    else { return 0 }
    // The slice itself yields a token more than it has drafts.
    let left = sequences[slot].maxTotalCount - sequences[slot].mostTotalCount - 1
    return min(settings.maxDraftTokens, left)
  }

  /// Lets sequences that decode have drafts, of what decoding and prompts have left.
  func dealDrafts(to shares: inout [Share], upTo limit: Int, on worker: Int) {
    guard settings.maxDraftTokens > 0 else { return }
    var left = limit
    for share in shares.indices where left > 0 {
      let slot = shares[share].slot
      let wish = draftWish(of: slot, on: worker)
      let limit = min(wish, left, roomForPositions(of: slot, on: worker) - 1)
      guard limit > 0 else { continue }
      shares[share].draftLimit = limit
      left -= limit
    }
  }
}
