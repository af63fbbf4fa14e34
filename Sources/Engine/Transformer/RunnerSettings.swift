package import Kernels
package import MeshTypes

/// How much a ``ModelRunner`` takes and computes at once.
package struct RunnerSettings: Hashable, Sendable {
  /// KV blocks to preallocate.
  package var blockCount: Int
  /// Tokens of a block: a multiple of 16 in 16...256.
  package var blockSizeTokens: Int
  /// The most tokens of a step; buffers are made for that many.
  package var maxBatchTokens: Int
  /// The most rows of logits of a step.
  package var maxLogitsRows: Int
  /// The most slices of a step.
  package var maxSlices: Int
  /// Threads that compute, the caller's included.
  package var threadCount: Int
  /// The CPU that each thread stays on, but the caller's; nil: the system decides.
  package var pins: [Int]?
  /// Whose kernels to use; all are equal byte for byte.
  package var instructionSet: KernelEngine.InstructionSet
  /// How keys and values stand in memory.
  package var kvType: KVType

  package init(
    blockCount: Int,
    blockSizeTokens: Int = 16,
    maxBatchTokens: Int = 512,
    maxLogitsRows: Int = 128,
    maxSlices: Int = 128,
    threadCount: Int,
    pins: [Int]? = nil,
    instructionSet: KernelEngine.InstructionSet = .best,
    kvType: KVType = .f16
  ) {
    self.blockCount = blockCount
    self.blockSizeTokens = blockSizeTokens
    self.maxBatchTokens = maxBatchTokens
    self.maxLogitsRows = maxLogitsRows
    self.maxSlices = maxSlices
    self.threadCount = threadCount
    self.pins = pins
    self.instructionSet = instructionSet
    self.kvType = kvType
  }

  /// The most slices that can be in a step: each has a token.
  var sliceLimit: Int { min(maxSlices, maxBatchTokens) }

  /// The most rows of logits that can be in a step.
  var logitsLimit: Int { min(maxLogitsRows, maxBatchTokens) }

  /// Allowed batch sizes.
  package static let maxBatchTokensRange = 1...65_536

  /// - Throws: ``MeshError`` `invalidArgument` naming the setting.
  package func validate() throws(MeshError) {
    guard Self.maxBatchTokensRange ~= maxBatchTokens else {
      throw .invalid(
        "max_batch_tokens",
        "must be in \(Self.maxBatchTokensRange), got \(maxBatchTokens)"
      )
    }
    guard 1...maxBatchTokens ~= min(maxLogitsRows, maxBatchTokens) else {
      throw .invalid("max_logits_rows", "must be at least 1, got \(maxLogitsRows)")
    }
    guard maxSlices >= 1 else {
      throw .invalid("max_slices", "must be at least 1, got \(maxSlices)")
    }
  }
}
