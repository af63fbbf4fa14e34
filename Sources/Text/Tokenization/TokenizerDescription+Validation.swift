import MeshTypes

extension TokenizerDescription {
  /// Checks counts and ids, so that everything built from the description is bounded.
  func validate() throws(MeshError) {
    guard (1...Self.maximumTokenCount).contains(tokens.count) else {
      throw .invalid(
        keys.tokens,
        "must have 1...\(Self.maximumTokenCount) entries, has \(tokens.count)"
      )
    }
    guard tokenTypes.isEmpty || tokenTypes.count == tokens.count else {
      throw .invalid(
        keys.types,
        "must have one entry for each of the \(tokens.count) tokens, has \(tokenTypes.count)"
      )
    }
    guard merges.count <= Self.maximumMergeCount else {
      throw .invalid(
        keys.merges,
        "must have at most \(Self.maximumMergeCount) entries, has \(merges.count)"
      )
    }
    try validateScores()
    try validateIDs()
    if addsBeginOfSequence == true && beginOfSequence == nil {
      throw .invalid(keys.addsBeginOfSequence, "is true, but \(keys.id(of: "bos")) is absent")
    }
  }

  private func validateScores() throws(MeshError) {
    guard algorithm == .scoredPairs || algorithm == .unigram else { return }
    guard scores.count == tokens.count else {
      throw .invalid(
        keys.scores,
        "must have one entry for each of the \(tokens.count) tokens, has \(scores.count)"
      )
    }
    if let wrong = scores.firstIndex(where: { !$0.isFinite }) {
      throw .invalid(keys.scores, "[\(wrong)] must be finite, is \(scores[wrong])")
    }
  }

  private func validateIDs() throws(MeshError) {
    for (name, id) in [
      ("bos", beginOfSequence), ("eos", endOfSequence), ("eot", endOfTurn),
      ("eom", endOfMessage), ("unknown", unknown), ("padding", padding),
    ] {
      guard let id, id >= tokens.count else { continue }
      throw .invalid(keys.id(of: name), "must be in 0..<\(tokens.count), is \(id)")
    }
    if let id = otherEnds.first(where: { $0 >= tokens.count }) {
      throw .invalid(keys.id(of: "eos"), "must be in 0..<\(tokens.count), is \(id)")
    }
  }
}
