import BlockCache
package import Scheduling

extension WorkerCapabilities {
  /// A worker of the simulated model.
  package static func simulated(
    _ number: Int,
    blockCount: Int,
    blockSizeTokens: Int = 16,
    maxBatchTokens: Int = 512,
    maxBatchSequences: Int = 32,
    maxContextTokens: Int = 8192,
    relativeSpeed: Double = 1,
    storeBlockBytes: Int = 0,
    role: WorkerRole = .everything
  ) -> Self {
    Self(
      name: "worker-\(number)",
      blockCount: blockCount,
      blockSizeTokens: blockSizeTokens,
      maxBatchTokens: maxBatchTokens,
      maxBatchSequences: maxBatchSequences,
      maxContextTokens: maxContextTokens,
      vocabularySize: SimulatedModel.vocabularySize,
      rootKey: .root(
        modelDigest: [1],
        numericsID: "simulated",
        layout: "states",
        blockSizeTokens: blockSizeTokens
      ),
      relativeSpeed: relativeSpeed,
      storeBlockBytes: storeBlockBytes,
      role: role
    )
  }
}
