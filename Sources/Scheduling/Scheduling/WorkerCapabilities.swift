package import BlockCache
package import MeshTypes

/// What a worker is for, where prompts and decoding have workers of their own.
package enum WorkerRole: Hashable, Sendable {
  case everything
  /// Prompts: sequences go on elsewhere when their prompt is computed.
  case prefill
  /// Sequences whose prompt was computed elsewhere.
  case decode
}

/// How fast a worker computed when it started.
package struct WorkerSpeed: Hashable, Sendable {
  /// Of one prompt, at the largest batch.
  package var prefillTokensPerSecond: Double
  /// Of one sequence alone.
  package var decodeTokensPerSecond: Double

  /// Creates a speed.
  package init(prefillTokensPerSecond: Double, decodeTokensPerSecond: Double) {
    self.prefillTokensPerSecond = prefillTokensPerSecond
    self.decodeTokensPerSecond = decodeTokensPerSecond
  }
}

/// What a worker offers when it joins. The sizing rules of the whole scheduler are here: admission
/// and allocation use the same ones.
package struct WorkerCapabilities: Hashable, Sendable {
  /// The worker's name; joining again under it replaces the former membership.
  package var name: String
  /// KV blocks preallocated.
  package var blockCount: Int
  /// Tokens in a block.
  package var blockSizeTokens: Int
  /// The most positions computed in one step.
  package var maxBatchTokens: Int
  /// The most sequences in one step.
  package var maxBatchSequences: Int
  /// The most tokens of one sequence, produced ones included.
  package var maxContextTokens: Int
  /// Token ids are below this.
  package var vocabularySize: Int
  /// The key before the first block of every sequence here; equal among workers whose blocks are
  /// interchangeable.
  package var rootKey: BlockKey
  /// How fast it computes, relative to the others.
  package var relativeSpeed: Double
  /// What it measured; nil if it did not.
  package var measuredSpeed: WorkerSpeed?
  /// Bytes that a block has in the KV store; 0 if the worker has no store.
  package var storeBlockBytes: Int
  /// What it is for.
  package var role: WorkerRole

  /// Creates capabilities; ``validate()`` checks them.
  package init(
    name: String,
    blockCount: Int,
    blockSizeTokens: Int,
    maxBatchTokens: Int,
    maxBatchSequences: Int,
    maxContextTokens: Int,
    vocabularySize: Int,
    rootKey: BlockKey,
    relativeSpeed: Double = 1,
    measuredSpeed: WorkerSpeed? = nil,
    storeBlockBytes: Int = 0,
    role: WorkerRole = .everything
  ) {
    self.storeBlockBytes = storeBlockBytes
    self.role = role
    self.name = name
    self.blockCount = blockCount
    self.blockSizeTokens = blockSizeTokens
    self.maxBatchTokens = maxBatchTokens
    self.maxBatchSequences = maxBatchSequences
    self.maxContextTokens = maxContextTokens
    self.vocabularySize = vocabularySize
    self.rootKey = rootKey
    self.relativeSpeed = relativeSpeed
    self.measuredSpeed = measuredSpeed
  }

  /// - Throws: ``MeshError`` `invalidArgument` naming the field as the proto does.
  package func validate() throws(MeshError) {
    try SchedulerSettings.expect(blockCount, in: 1...Self.maxBlockCount, "block_count")
    try SchedulerSettings.expect(blockSizeTokens, in: 1...65_536, "block_size")
    try SchedulerSettings.expect(maxBatchTokens, in: 1...Int(Int32.max), "max_batch_tokens")
    try SchedulerSettings.expect(maxBatchSequences, in: 1...65_536, "max_batch_sequences")
    try SchedulerSettings.expect(maxContextTokens, in: 2...Int(Int32.max), "context_length")
    try SchedulerSettings.expect(vocabularySize, in: 1...Int(Int32.max), "vocabulary_size")
    try SchedulerSettings.expect(storeBlockBytes, in: 0...1 << 32, "store_block_bytes")
    guard relativeSpeed.isFinite, relativeSpeed > 0 else {
      throw .invalid("relative_speed", "must be greater than 0, got \(relativeSpeed)")
    }
    if let measuredSpeed {
      try Self.expect(measuredSpeed.prefillTokensPerSecond, "prefill_tokens_per_second")
      try Self.expect(measuredSpeed.decodeTokensPerSecond, "decode_tokens_per_second")
    }
  }

  /// Speeds that a machine can have: from a token in an hour.
  private static let speedRange = 1.0 / 3600...1e9

  private static func expect(_ speed: Double, _ field: String) throws(MeshError) {
    guard speedRange.contains(speed) else {
      throw .invalid(field, "must be in 1/3600...1e9, got \(speed)")
    }
  }

  /// A bound on what a joining worker can make the scheduler allocate (some 72 bytes a block).
  static let maxBlockCount = 1 << 22

  /// The number of blocks that hold the KV of `positions` positions.
  package func blocks(covering positions: Int) -> Int {
    (positions + blockSizeTokens - 1) / blockSizeTokens
  }

  /// The most tokens (prompt and produced) that a sequence can have here when it runs alone. The
  /// last token is produced but never computed, so it needs no slot.
  package var maxSequenceTokens: Int {
    min(maxContextTokens, blockCount * blockSizeTokens + 1)
  }
}
