import BlockCache
import MeshTypes

/// One membership of a worker.
struct WorkerState: Sendable {
  /// What the scheduler remembers of a plan until its result is there.
  struct PlanInFlight: Sendable {
    var step: StepID
    var slices: [SliceInFlight]
    var work: TransferModel.StepWork
  }

  struct SliceInFlight: Sendable {
    var slot: Int
    var id: SequenceID
    var admission: Int
    /// The position after the last one computed: that of the token sampled, if one is. With drafts the
    /// least that it can be.
    var end: Int
    var samples: Bool
    /// As in the plan; 0 for none.
    var draftLimit = 0
    /// How much further than ``end`` it may get: by its own drafts and those in flight before it.
    var openCount = 0
    /// Whether it was a suspect when the plan was made.
    var isSuspect: Bool
  }

  let epoch: Epoch
  let capabilities: WorkerCapabilities
  var isDraining = false
  var pool: BlockPool
  /// Slots of the sequences that hold blocks here, by rank.
  var running: [Int] = []
  /// Oldest first.
  var plansInFlight: [PlanInFlight] = []
  /// Memory of plans that are no longer in flight, for others.
  var spareSlices: [[SliceInFlight]] = []
  /// Sequences that the worker still knows and shall forget with the next plan.
  var releases: [SequenceID] = []
  /// Keys of the known blocks that a sequence here has not computed yet, with that sequence; those of
  /// its last tokens, which fill no block, too.
  var fillsInProgress: [BlockKey: SequenceID] = [:]
  /// Loads from the KV store that have not ended.
  var loads = LoadTable()
  /// Blocks for the next plan to copy away.
  var pendingStores: [BlockStore] = []
  /// Copies for the next plan to make.
  var pendingCopies: [BlockCopy] = []
  /// Stores that plans have told it, or will, and how many of them have ended.
  var storesIssued: UInt64 = 0
  var storesDone: UInt64 = 0
  /// What its computing and fetching cost.
  var transfers: TransferModel
  /// Whether it is among ``SchedulerCore/changed``.
  var hasNews = false
  /// What a dispatch pass begins with; nil once anything has happened.
  var load: WorkerLoad?
  var stepsPlanned: UInt64 = 0
  var stepsCompleted: UInt64 = 0
  /// Time spent on them.
  var computeMicroseconds = 0.0
  /// Time between them in which sequences waited.
  var idleMicroseconds = 0.0

  init(epoch: Epoch, capabilities: WorkerCapabilities) {
    self.epoch = epoch
    self.capabilities = capabilities
    self.transfers =
      capabilities.measuredSpeed.map {
        TransferModel(
          $0,
          positions: min(capabilities.maxBatchTokens, capabilities.maxSequenceTokens)
        )
      } ?? TransferModel()
    self.pool = BlockPool(blockCount: capabilities.blockCount)
  }
}
