import Kernels
package import MeshTypes

extension ModelRunner {
  /// - Throws: ``MeshError`` naming the field at fault.
  func validate(_ slices: [SequenceSlice]) throws(MeshError) {
    guard !slices.isEmpty else { throw .invalid("slices", "must not be empty") }
    guard slices.count <= settings.sliceLimit else {
      throw .invalid("slices", "must be at most \(settings.sliceLimit), got \(slices.count)")
    }
    var tokenCount = 0, logitsRowCount = 0
    for (index, slice) in slices.enumerated() {
      try validate(slice, "slices[\(index)]")
      tokenCount += slice.tokenIDs.count
      logitsRowCount += slice.logitsRowCount
    }
    guard tokenCount <= settings.maxBatchTokens else {
      throw .invalid(
        "slices",
        "must have at most \(settings.maxBatchTokens) tokens, got \(tokenCount)"
      )
    }
    let logitsLimit = buffers.logits.rowCapacity
    guard logitsRowCount <= logitsLimit else {
      throw .invalid(
        "slices",
        "must ask for at most \(logitsLimit) rows of logits, got \(logitsRowCount)"
      )
    }
  }

  /// Checks one slice by itself, so that a caller can leave a wrong one out of its batch.
  ///
  /// - Throws: ``MeshError`` naming the field at fault, below `name`.
  package func validate(
    _ slice: SequenceSlice,
    _ name: @autoclosure () -> String
  ) throws(MeshError) {
    guard 1...settings.maxBatchTokens ~= slice.tokenIDs.count else {
      throw .invalid(
        "\(name()).token_ids",
        "must have 1...\(settings.maxBatchTokens) ids, got \(slice.tokenIDs.count)"
      )
    }
    if let stray = slice.tokenIDs.first(where: { $0 >= configuration.vocabularySize }) {
      throw .invalid(
        "\(name()).token_ids",
        "must be below \(configuration.vocabularySize), got \(stray)"
      )
    }
    let largestStart = configuration.contextLength - slice.tokenIDs.count
    guard slice.startPosition >= 0, slice.startPosition <= largestStart else {
      throw MeshError(
        .outOfRange,
        "\(name()).start_position must be in 0...\(largestStart), got \(slice.startPosition)",
        field: "\(name()).start_position"
      )
    }
    let endPosition = slice.startPosition + slice.tokenIDs.count
    let blockCount = (endPosition - 1) / settings.blockSizeTokens + 1
    guard slice.blockTable.count >= blockCount else {
      throw .invalid(
        "\(name()).block_table",
        "must have at least \(blockCount) blocks for \(endPosition) positions, "
          + "got \(slice.blockTable.count)"
      )
    }
    if let stray = slice.blockTable.first(where: { $0.rawValue >= settings.blockCount }) {
      throw .invalid(
        "\(name()).block_table",
        "must be below \(settings.blockCount), got \(stray.rawValue)"
      )
    }
  }
}
