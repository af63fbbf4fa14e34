package import MeshTypes

/// What a worker does in one step, in this order: forget ``releases``, copy ``stores`` away (but for
/// those that are taken as computed), make ``copies``, begin ``loads``, begin ``starts``, compute
/// ``slices``. A worker executes its plans in the order of their steps.
package struct StepPlan: Hashable, Sendable {
  /// The membership that the plan belongs to.
  package var epoch: Epoch
  /// 1, 2, 3, … in each membership.
  package var step: StepID
  /// Sequences to forget: ended, cancelled or preempted.
  package var releases: [SequenceID]
  /// Sequences that begin, or begin again.
  package var starts: [SequenceStart]
  /// What to compute: decoding sequences first; at most one slice a sequence, and at most the
  /// worker's `maxBatchTokens` positions in all. May be empty.
  package var slices: [PlannedSlice]
  /// Blocks that the slices append to their sequences' block tables, one slice's after the other's.
  package var newBlocks: [BlockID]
  /// Blocks to copy away for the KV store.
  package var stores: [BlockStore] = []
  /// Blocks that begin as copies of others, one after the other.
  package var copies: [BlockCopy] = []
  /// Blocks to fetch from the KV store, from this step on.
  package var loads: [BlockLoad] = []
  /// Loads to give up; each is answered all the same.
  package var cancelledLoads: [LoadID] = []

  /// Creates a plan without transfers.
  package init(
    epoch: Epoch,
    step: StepID,
    releases: [SequenceID] = [],
    starts: [SequenceStart] = [],
    slices: [PlannedSlice] = [],
    newBlocks: [BlockID] = []
  ) {
    self.epoch = epoch
    self.step = step
    self.releases = releases
    self.starts = starts
    self.slices = slices
    self.newBlocks = newBlocks
  }

  /// Blocks that a slice of this plan appends to its sequence's block table.
  package func newBlocks(of slice: PlannedSlice) -> ArraySlice<BlockID> {
    newBlocks[slice.newBlocks]
  }

  /// Makes it an empty plan for another step that keeps this one's memory.
  mutating func begin(epoch: Epoch, step: StepID) {
    self.epoch = epoch
    self.step = step
    releases.removeAll(keepingCapacity: true)
    starts.removeAll(keepingCapacity: true)
    slices.removeAll(keepingCapacity: true)
    newBlocks.removeAll(keepingCapacity: true)
    stores.removeAll(keepingCapacity: true)
    copies.removeAll(keepingCapacity: true)
    loads.removeAll(keepingCapacity: true)
    cancelledLoads.removeAll(keepingCapacity: true)
  }

  /// Positions computed by the step, at most.
  package var tokenCount: Int { slices.reduce(0) { $0 + $1.tokenCount + ($1.draftLimit ?? 0) } }
}

/// A sequence that begins on a worker, with an empty block table.
package struct SequenceStart: Hashable, Sendable {
  /// The sequence, unknown to the worker or released before.
  package var id: SequenceID
  /// Its tokens so far: the prompt and, when it begins again, what it had produced.
  package var tokenIDs: [TokenID]
  /// How many of the last tokens have been produced, by earlier submissions too.
  package var generatedTokenCount: Int
  /// Tokens that end it; empty unless `sampling` puts them off.
  package var stopTokenIDs: Set<TokenID>
  /// How its tokens are sampled; the token at absolute position `p` from (seed, `p`).
  package var sampling: SamplingParameters

  /// Creates a start.
  package init(
    id: SequenceID,
    tokenIDs: [TokenID],
    generatedTokenCount: Int = 0,
    stopTokenIDs: Set<TokenID> = [],
    sampling: SamplingParameters
  ) {
    self.id = id
    self.tokenIDs = tokenIDs
    self.generatedTokenCount = generatedTokenCount
    self.stopTokenIDs = stopTokenIDs
    self.sampling = sampling
  }
}

/// The part of a sequence that a step computes.
package struct PlannedSlice: Hashable, Sendable {
  /// A sequence that has started.
  package var sequence: SequenceID
  /// The first position computed: everything before it is in the sequence's blocks already, by an
  /// earlier plan or by a prefix hit. With a ``draftLimit`` the least that it can be.
  package var startPosition: Int
  /// How many positions; at least 1. The last may be a token that an earlier plan samples.
  package var tokenCount: Int
  /// Blocks to append to its block table first: places in the plan's ``StepPlan/newBlocks``.
  package var newBlocks: Range<Int>
  /// Whether a token is sampled from the last position and appended to the sequence.
  package var samples: Bool
  /// For a sequence that decodes on drafts: the slice begins with the last token that the sequence has
  /// by then, wherever that is, and the worker may add up to so many guesses of those that follow.
  /// Each that is what it samples before it yields one more token. nil: nothing is left open.
  package var draftLimit: Int?

  /// Creates a slice.
  package init(
    sequence: SequenceID,
    startPosition: Int,
    tokenCount: Int,
    newBlocks: Range<Int> = 0..<0,
    samples: Bool,
    draftLimit: Int? = nil
  ) {
    self.draftLimit = draftLimit
    self.sequence = sequence
    self.startPosition = startPosition
    self.tokenCount = tokenCount
    self.newBlocks = newBlocks
    self.samples = samples
  }
}

/// What came of a step.
package struct StepResult: Hashable, Sendable {
  /// As in the plan.
  package var epoch: Epoch
  /// As in the plan. Results come in the order of their steps.
  package var step: StepID
  /// A token for each slice that samples, in the order of the slices; for one with drafts as many, one
  /// after the other, as come of it.
  package var sampled: [SampledToken]
  /// Sequences that cannot go on, through no fault of the others.
  package var failures: [SequenceFailure]
  /// Time spent computing; 0 if unknown.
  package var computeMicroseconds: Double
  /// Time since the step before, if sequences waited meanwhile.
  package var idleMicroseconds: Double
  /// Drafts computed, whether or not they were right.
  package var draftedTokens: Int

  /// Creates a result.
  package init(
    epoch: Epoch,
    step: StepID,
    sampled: [SampledToken] = [],
    failures: [SequenceFailure] = [],
    computeMicroseconds: Double = 0,
    idleMicroseconds: Double = 0,
    draftedTokens: Int = 0
  ) {
    self.draftedTokens = draftedTokens
    self.computeMicroseconds = computeMicroseconds
    self.idleMicroseconds = idleMicroseconds
    self.epoch = epoch
    self.step = step
    self.sampled = sampled
    self.failures = failures
  }
}

/// A sampled token.
package struct SampledToken: Hashable, Sendable {
  /// The sequence.
  package var sequence: SequenceID
  /// The token; the worker has appended it to the sequence already.
  package var tokenID: TokenID

  /// Creates a sampled token.
  package init(sequence: SequenceID, tokenID: TokenID) {
    self.sequence = sequence
    self.tokenID = tokenID
  }
}

/// A sequence that cannot go on. The worker ignores its slices in later plans, made before the
/// failure was known, until it is released.
package struct SequenceFailure: Hashable, Sendable {
  /// The sequence.
  package var sequence: SequenceID
  /// Why.
  package var error: MeshError

  /// Creates a failure.
  package init(sequence: SequenceID, error: MeshError) {
    self.sequence = sequence
    self.error = error
  }
}
