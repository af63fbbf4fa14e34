package import MeshTypes

/// Continuous batching over any number of workers, as a plain value: events in, plans and sequence
/// events out. It reads no clock and does nothing by itself.
///
/// After every event (a submission, a cancellation, a result, a change of membership) ask
/// ``nextPlans(into:)``, send what it gives, and pass on the sequence events in their order. With a KV
/// store, ask ``nextStoreQueries()`` too, and bring the answers back.
///
/// What a sequence produces does not depend on anything decided here: each plan only says which
/// positions are computed when and where.
///
/// - Memory: a sequence is admitted to a worker when all its known tokens have blocks; then it
///   grows block by block. When a worker has none left, the running sequence of least priority,
///   then of least computed tokens, gives its blocks back and waits again, before all who came
///   after it. The first-ranked one on a worker is never the victim: since it was admitted only
///   because it fits there alone, it ends, and then the next is first. Nor is one that has given way
///   often enough: it comes back only where all blocks that it may need are free, and takes them.
/// - Pipelining: a plan may be made before the result of the one before is there. The sequence's
///   next token then is "what the worker samples": the worker keeps the tokens, so plans name only
///   positions.
/// - Blocks: a worker executes plans in order, so a block freed here may be written again by any
///   later plan. A block is offered as a prefix only once the step that filled it is complete.
/// - KV store: what it has of a sequence is asked before the sequence is placed. Blocks that are
///   fetched sooner than computed are loaded after admission, while other sequences run; the
///   sequence takes no place in a batch until then. Full blocks go to the store in the background;
///   so a preempted sequence, or one whose worker was lost, comes back by a load.
package struct SchedulerCore: Sendable {
  /// The settings it was created with.
  package let settings: SchedulerSettings

  var sequences = SequenceTable()
  var waiting = WaitingQueue()
  /// Sequences that wait, by namespace; kept only if there is a bound.
  var waitingByTenant: [String: Int] = [:]
  /// By epoch.
  var workers: [WorkerState] = []
  /// The workers to which something has happened since they were last planned for, in ascending order.
  var changed: [Epoch] = []
  /// Memory that planning uses again and again.
  var scratch = PlanningScratch()
  var nextEpoch: Epoch
  var nextArrival: UInt64 = 0
  var counters = SchedulerCounters()
  var quarantine = Quarantine()
  var shares = FairShares()
  /// Questions to the KV store that nobody has taken yet.
  var storeQueries: [StoreQuery] = []
  var nextTicket: UInt64 = 0
  /// Microseconds, as the caller's clock tells; only deadlines are compared with it.
  var now = 0
  var deadlines = DeadlineQueue()
  /// Steps that all workers together have completed: the clock of everything else.
  var completedSteps: UInt64 = 0

  /// Creates a scheduler without workers.
  ///
  /// - Parameters:
  ///   - settings: Checked here.
  ///   - firstEpoch: The epoch of the first worker that joins. A scheduler that was restarted
  ///     passes one above all it has ever given, so that results meant for its former life are
  ///     recognised.
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting.
  package init(
    settings: SchedulerSettings = SchedulerSettings(),
    firstEpoch: Epoch = Epoch(1)
  ) throws(MeshError) {
    try settings.validate()
    self.settings = settings
    self.nextEpoch = firstEpoch
  }

  /// The place of a member in ``workers``.
  func place(of epoch: Epoch) -> Int? {
    let place = workers.count(whileLeading: { $0.epoch < epoch })
    return place < workers.count && workers[place].epoch == epoch ? place : nil
  }
}
