package import MeshTypes

/// How fast a runner computes.
package struct SpeedProfile: Hashable, Sendable {
  /// Of one long prompt, at the largest batch.
  package var prefillTokensPerSecond: Double
  /// Of one sequence alone.
  package var decodeTokensPerSecond: Double
}

extension ModelRunner {
  /// Runs dummy steps: one at the largest batch, then some of one token. Overwrites the blocks that
  /// it uses, so it belongs before any other step.
  ///
  /// - Parameter measure: Runs its argument and returns the seconds that took; above 0.
  /// - Throws: What `step` throws.
  package func profile(
    measure: (() throws(MeshError) -> Void) throws(MeshError) -> Double
  ) throws(MeshError) -> SpeedProfile {
    let tokenCount = min(
      settings.maxBatchTokens,
      configuration.contextLength,
      settings.blockCount * settings.blockSizeTokens
    )
    let blockTable = (0..<UInt32((tokenCount - 1) / settings.blockSizeTokens + 1)).map(
      BlockID.init(rawValue:)
    )
    let tokenIDs = (0..<tokenCount).map { TokenID($0 % configuration.vocabularySize) }
    let prompt = SequenceSlice(tokenIDs: tokenIDs, startPosition: 0, blockTable: blockTable)
    let last = SequenceSlice(
      tokenIDs: [tokenIDs[tokenCount - 1]],
      startPosition: tokenCount - 1,
      blockTable: blockTable
    )
    let decodeStepCount = 8
    // The first step touches all buffers; its time says little.
    _ = try step([prompt])
    let prefillSeconds = try measure { () throws(MeshError) in _ = try step([prompt]) }
    let decodeSeconds = try measure { () throws(MeshError) in
      for _ in 0..<decodeStepCount { _ = try step([last]) }
    }
    return SpeedProfile(
      prefillTokensPerSecond: Double(tokenCount) / prefillSeconds,
      decodeTokensPerSecond: Double(decodeStepCount) / decodeSeconds
    )
  }
}
