package import MeshTypes

/// How fast a runner computes.
package struct SpeedProfile: Hashable, Sendable {
  /// Of one long prompt, at the largest batch.
  package var prefillTokensPerSecond: Double
  /// Of one sequence alone.
  package var decodeTokensPerSecond: Double
}

extension RunnerSettings {
  /// Blocks that ``ModelRunner/profile(measure:)`` needs for its largest batch.
  package var profilingBlockCount: Int {
    let sliceCount = profilingSliceCount
    let tokens = (maxBatchTokens + sliceCount - 1) / sliceCount
    return sliceCount * ((tokens + blockSizeTokens - 1) / blockSizeTokens)
  }

  /// Slices of the largest batch: as many as there can be with logits for each.
  var profilingSliceCount: Int { min(sliceLimit, logitsLimit) }
}

extension ModelRunner {
  /// Layers that a prompt's speed is measured on: enough that nothing that one leaves in the caches
  /// helps the next, few enough that a start does not wait.
  private static let profiledLayers = 4
  private static let profiledDecodeSteps = 4

  /// Runs dummy steps: one at the largest batch, with as many sequences as there can be, then some that
  /// are measured. Overwrites the blocks that it uses, so it belongs before any other step.
  ///
  /// Afterwards all activation memory that any step can need is in use, for good. Layers use the same
  /// memory and take the same time, so that only some of them are run but for decoding, which takes as
  /// long as reading all weights does.
  ///
  /// - Parameter measure: Runs its argument and returns the seconds that took; above 0.
  /// - Throws: What `step` throws.
  package func profile(
    measure: (() throws(MeshError) -> Void) throws(MeshError) -> Double
  ) throws(MeshError) -> SpeedProfile {
    _ = try step(largestBatch, layers: 0..<1)
    let tokenCount = min(
      settings.maxBatchTokens,
      configuration.contextLength,
      settings.blockCount * settings.blockSizeTokens
    )
    let prompt = dummySlice(tokens: 0..<tokenCount, firstBlock: 0, logits: .none)
    // Layers that are read from the disk take longer than those in memory.
    let layers =
      streamed == nil
      ? 0..<min(Self.profiledLayers, configuration.layerCount) : weights.layers.indices
    let prefillSeconds = try measure { () throws(MeshError) in
      _ = try step([prompt], layers: layers)
    }
    let last = dummySlice(tokens: tokenCount - 1..<tokenCount, firstBlock: 0, logits: .lastToken)
    // Brings into memory what is mapped.
    _ = try step([last])
    let decodeSeconds = try measure { () throws(MeshError) in
      for _ in 0..<Self.profiledDecodeSteps { _ = try step([last]) }
    }
    let promptShare = Double(layers.count) / Double(configuration.layerCount)
    return SpeedProfile(
      prefillTokensPerSecond: Double(tokenCount) * promptShare / prefillSeconds,
      decodeTokensPerSecond: Double(Self.profiledDecodeSteps) / decodeSeconds
    )
  }

  /// As many tokens and rows of logits as a step can have, as far as there are blocks.
  private var largestBatch: [SequenceSlice] {
    var slices: [SequenceSlice] = []
    var left = settings.maxBatchTokens, firstBlock = 0
    let sliceCount = settings.profilingSliceCount
    for index in 0..<sliceCount {
      let tokenCount = min(left / (sliceCount - index), configuration.contextLength)
      let blockCount = (tokenCount + settings.blockSizeTokens - 1) / settings.blockSizeTokens
      guard firstBlock + blockCount <= settings.blockCount else { break }
      slices.append(
        dummySlice(tokens: 0..<tokenCount, firstBlock: firstBlock, logits: .lastToken)
      )
      firstBlock += blockCount
      left -= tokenCount
    }
    return slices
  }

  /// Some tokens of a sequence whose blocks stand one after the other.
  private func dummySlice(
    tokens: Range<Int>,
    firstBlock: Int,
    logits: SequenceSlice.Logits
  ) -> SequenceSlice {
    let blockCount = (tokens.upperBound - 1) / settings.blockSizeTokens + 1
    return SequenceSlice(
      tokenIDs: tokens.map { TokenID($0 % configuration.vocabularySize) },
      startPosition: tokens.lowerBound,
      blockTable: (firstBlock..<firstBlock + blockCount).map { BlockID(UInt32($0)) },
      logits: logits
    )
  }
}
