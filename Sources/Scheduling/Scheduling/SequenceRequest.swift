package import MeshTypes

/// A sequence to run.
///
/// A gateway that lost its scheduler submits prompt + tokens received so far as the prompt, and as
/// `limits.maxTokens` what is left: sampling is keyed by absolute position, so the stream goes on
/// with the same ids.
package struct SequenceRequest: Hashable, Sendable {
  /// Unique within the scheduler's life.
  package var id: SequenceID
  /// At least one token.
  package var promptTokenIDs: [TokenID]
  /// How many of the last prompt tokens an earlier submission has produced. Penalties and grammars
  /// count them as output; the scheduler only passes it on.
  package var generatedTokenCount = 0
  /// How its tokens are sampled; the scheduler only passes it on.
  package var sampling: SamplingParameters
  /// When it ends.
  package var limits: GenerationLimits
  /// The higher goes first.
  package var priority: Int
  /// The tenant's salt: blocks are shared only among equal salts.
  package var cacheSalt: [UInt8]
  /// When its client stops waiting, in microseconds of the clock that ``SchedulerCore/advance(to:)``
  /// tells; nil if it never does.
  package var deadlineMicroseconds: Int?

  /// Creates a request.
  package init(
    id: SequenceID,
    promptTokenIDs: [TokenID],
    sampling: SamplingParameters = .init(),
    limits: GenerationLimits,
    priority: Int = 0,
    cacheSalt: [UInt8] = [],
    deadlineMicroseconds: Int? = nil
  ) {
    self.deadlineMicroseconds = deadlineMicroseconds
    self.id = id
    self.promptTokenIDs = promptTokenIDs
    self.sampling = sampling
    self.limits = limits
    self.priority = priority
    self.cacheSalt = cacheSalt
  }
}

/// What a sequence has used, told when it ends.
package struct SequenceUsage: Hashable, Sendable {
  /// Tokens of the prompt as submitted.
  package var promptTokens: Int
  /// Tokens produced.
  package var generatedTokens: Int
  /// Prompt tokens whose KV was in the worker's cache when the sequence was first admitted.
  package var cachedPromptTokens: Int
  /// How often it gave way to others.
  package var preemptions: Int

  /// Creates a usage.
  package init(
    promptTokens: Int,
    generatedTokens: Int = 0,
    cachedPromptTokens: Int = 0,
    preemptions: Int = 0
  ) {
    self.promptTokens = promptTokens
    self.generatedTokens = generatedTokens
    self.cachedPromptTokens = cachedPromptTokens
    self.preemptions = preemptions
  }
}

/// What the scheduler has to tell about a sequence. After `finished` or `failed` there is nothing
/// more about it.
package enum SequenceEvent: Hashable, Sendable {
  /// The next token, in order. A stop token is told too, before `finished`.
  case token(SequenceID, TokenID)
  /// The sequence ended as it should: stop, length or cancelled.
  case finished(SequenceID, FinishReason, SequenceUsage)
  /// The sequence cannot go on.
  case failed(SequenceID, MeshError, SequenceUsage)
}
