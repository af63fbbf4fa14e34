import BlockCache
import MeshTypes

/// Who goes first: higher priority, then whose tenant has had less, then earlier arrival. Unique, and
/// kept for life, so a preempted sequence stands before everyone who was to come after it.
struct SequenceRank: Hashable, Comparable, Sendable {
  var priority: Int
  /// When its turn comes among the tenants of its priority, in tokens: see ``FairShares``.
  var turn: Int
  var arrival: UInt64

  static func < (lhs: Self, rhs: Self) -> Bool {
    if lhs.priority != rhs.priority { return lhs.priority > rhs.priority }
    return (lhs.turn, lhs.arrival) < (rhs.turn, rhs.arrival)
  }
}

/// A sequence's state. Positions are counted from the beginning of the prompt:
///
/// ```
/// 0 …… published blocks …… completed …… scheduled …… tokenIDs.count …… total
///                          KV written   in plans     known             + samples in flight
/// ```
struct InferenceSequence: Sendable {
  enum Placement: Hashable, Sendable {
    case waiting
    case running(Epoch)
  }

  let id: SequenceID
  let promptTokenCount: Int
  /// Prompt tokens that an earlier submission has produced.
  let resubmittedTokenCount: Int
  let sampling: SamplingParameters
  let limits: GenerationLimits
  let cacheSalt: [UInt8]
  /// When its client stops waiting, in microseconds of the scheduler's caller.
  let deadline: Int?
  /// The tenant's namespace in the KV store.
  let namespace: String
  let maxTokenID: TokenID
  let rank: SequenceRank

  /// Prompt and produced tokens that are known here.
  var tokenIDs: [TokenID]
  var placement = Placement.waiting
  /// Counts admissions: tells a plan's slice from one of an earlier stay.
  var admission = 0
  /// Whether a worker existed at submission that it fits.
  var wasSized = false
  var preemptions = 0
  /// Workers that were lost while they computed it, since it was last acquitted.
  var workerLosses = 0
  /// Once this many positions are computed it is acquitted.
  var acquittalPosition = 0
  var cachedPromptTokens: Int?
  var keyChains: [BlockKeyChain] = []
  /// Roots of workers, and what the salt makes of them.
  private var saltedRoots: [(root: BlockKey, salted: BlockKey)] = []
  /// While it waits for another sequence to compute its prefix: where, and the first missing key.
  var awaitedPrefix: (epoch: Epoch, key: BlockKey)?
  /// When it was first found to have its prefix on a worker without room: completed steps.
  var heldSince: UInt64?
  /// The worker of its last stay.
  var lastEpoch: Epoch?
  /// What the KV store has of it.
  var storeKnowledge = StoreKnowledge.unknown
  /// The last store of its last stay: before it has ended, the store is not asked.
  var lastStore: (epoch: Epoch, number: UInt64)?
  /// The root of the keys that the store was last asked for.
  var storeRoot: BlockKey?

  // The rest is about the present stay on a worker and void while waiting.

  /// All blocks it holds, logical order. Admission covers all known tokens.
  var blockTable: [BlockID] = []
  /// How many of them a plan has told the worker.
  var sentBlockCount = 0
  /// Whether a plan has started it on the worker.
  var isStarted = false
  /// Positions in plans made so far, prefix hits included.
  var scheduledCount = 0
  /// Positions whose KV is written, prefix hits included.
  var completedCount = 0
  /// Leading blocks that are full, written and offered to the prefix index.
  var publishedBlockCount = 0
  /// Tokens being sampled by plans in flight.
  var samplesInFlight = 0
  /// The load that it waits for: until then nothing of it is computed.
  var load: LoadID?
  /// Leading blocks that were given to the store, or need not be.
  var storedBlockCount = 0
  /// What others wait for that it computes at the end of its known tokens.
  var tailFill: SchedulerCore.TailFill?

  /// Tokens that the worker has or will have once the plans in flight are done.
  var totalCount: Int { tokenIDs.count + samplesInFlight }

  /// Tokens known here that are no part of what was first asked.
  var generatedTokenCount: Int { tokenIDs.count - promptTokenCount + resubmittedTokenCount }

  /// The length at which it ends.
  var maxTotalCount: Int { promptTokenCount + limits.maxTokens }

  /// Positions to schedule; none once the last token is being sampled.
  var wantedCount: Int {
    totalCount < maxTotalCount && load == nil ? totalCount - scheduledCount : 0
  }

  /// Whether it may be what its last worker was lost by.
  var isSuspect: Bool { workerLosses > 0 }

  /// Whether it has not been anywhere else before.
  var isFirstStay: Bool { admission == 1 }

  var usage: SequenceUsage {
    SequenceUsage(
      promptTokens: promptTokenCount,
      generatedTokens: tokenIDs.count - promptTokenCount,
      cachedPromptTokens: cachedPromptTokens ?? 0,
      preemptions: preemptions
    )
  }

  init(_ request: SequenceRequest, turn: Int, arrival: UInt64) {
    self.id = request.id
    self.promptTokenCount = request.promptTokenIDs.count
    self.resubmittedTokenCount = request.generatedTokenCount
    self.sampling = request.sampling
    self.limits = request.limits
    self.cacheSalt = request.cacheSalt
    self.deadline = request.deadlineMicroseconds
    self.namespace = TenantNamespace.name(ofSalt: request.cacheSalt)
    self.maxTokenID = request.promptTokenIDs.max() ?? 0
    self.rank = SequenceRank(priority: request.priority, turn: turn, arrival: arrival)
    self.tokenIDs = request.promptTokenIDs
  }

  /// Whether it could run on such a worker, were it alone there.
  func fits(_ worker: WorkerCapabilities) -> Bool {
    maxTotalCount <= worker.maxSequenceTokens && Int(maxTokenID) < worker.vocabularySize
  }

  /// Forgets the stay on a worker; its blocks are the caller's to release.
  mutating func vacate() {
    placement = .waiting
    blockTable.removeAll(keepingCapacity: true)
    sentBlockCount = 0
    isStarted = false
    scheduledCount = 0
    completedCount = 0
    publishedBlockCount = 0
    samplesInFlight = 0
    load = nil
    storedBlockCount = 0
    tailFill = nil
  }

  /// The root of its keys on such a worker.
  private mutating func root(on worker: WorkerCapabilities) -> BlockKey {
    if cacheSalt.isEmpty { return worker.rootKey }
    if let known = saltedRoots.first(where: { $0.root == worker.rootKey }) { return known.salted }
    let salted = worker.rootKey.salted(by: cacheSalt)
    saltedRoots.append((worker.rootKey, salted))
    return salted
  }

  /// The place in ``keyChains`` of the keys on such a worker, brought up to all known tokens.
  mutating func keyChain(on worker: WorkerCapabilities) -> Int {
    let root = root(on: worker)
    let present = keyChains.firstIndex {
      $0.root == root && $0.blockSizeTokens == worker.blockSizeTokens
    }
    let chain = present ?? keyChains.count
    if present == nil {
      keyChains.append(BlockKeyChain(root: root, blockSizeTokens: worker.blockSizeTokens))
    }
    keyChains[chain].extend(over: tokenIDs)
    return chain
  }

  /// The key, on such a worker, of the known tokens but the last that fill no block; nil if there are
  /// none.
  mutating func tailKey(on worker: WorkerCapabilities) -> BlockKey? {
    let chain = keyChain(on: worker)
    return keyChains[chain].tailKey(of: tokenIDs, count: tokenIDs.count - 1)
  }
}
