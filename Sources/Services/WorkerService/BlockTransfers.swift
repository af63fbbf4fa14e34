import BlockCache
import Kernels
import Logging
import MeshProtos
import MeshTypes
import SwiftProtobuf
import Synchronization

/// The loads and stores of one Execute call.
///
/// The engine's thread hands plans in; ``run()`` does the work; results go out on the call's stream.
/// Loads go before stores, and no two stores are under way at once: they are for when there is
/// nothing better to do. What waits is bounded by the staging buffers.
final class BlockTransfers: Sendable {
  /// A response that answers no plan.
  typealias Response = Weft_Worker_V1_ExecuteResponse

  private struct StoreJob: Sendable {
    let number: UInt64
    let namespace: String
    let staged: [StagedStore]
  }

  private struct State {
    /// Blocks being loaded: no slice may use them.
    var loadingBlocks: Set<UInt32> = []
    var gates: [UInt64: WriteGate] = [:]
    var isClosed = false
    var waitingStores = 0
    var storesDone: UInt64 = 0
    var storesTold: UInt64 = 0
    /// Finished when no load is under way.
    var loadsIdleWaiters: [AsyncStream<Never>.Continuation] = []
  }

  private let mover: BlockMover
  private let epoch: UInt64
  private let responses: AsyncStream<Response>.Continuation
  private let state = Mutex(State())
  private let loads: AsyncStream<(BlockLoad, WriteGate)>
  private let loadContinuation: AsyncStream<(BlockLoad, WriteGate)>.Continuation
  private let stores: AsyncStream<StoreJob>
  private let storeContinuation: AsyncStream<StoreJob>.Continuation

  /// - Parameter responses: Takes responses that answer no plan.
  init(mover: BlockMover, epoch: UInt64, responses: AsyncStream<Response>.Continuation) {
    self.mover = mover
    self.epoch = epoch
    self.responses = responses
    (loads, loadContinuation) = AsyncStream.makeStream()
    (stores, storeContinuation) = AsyncStream.makeStream()
  }

  // MARK: The engine's side

  /// Copies the plan's stores away and begins its loads. To be called before anything of the step is
  /// computed.
  func begin(_ plan: Weft_Worker_V1_ExecuteRequest) {
    for message in plan.stores { begin(message) }
    for id in plan.cancelledLoads { state.withLock { $0.gates[id] }?.close() }
    for message in plan.loads { begin(message) }
  }

  private func begin(_ message: Weft_Worker_V1_BlockStore) {
    var staged: [StagedStore] = []
    do {
      staged = mover.stage(try BlockStore(message, blockCount: mover.blocks.blockCount))
    } catch {
      mover.logger.warning("a store is refused", metadata: ["error": "\(error)"])
    }
    state.withLock { $0.waitingStores += 1 }
    storeContinuation.yield(
      StoreJob(number: message.store, namespace: message.namespace, staged: staged)
    )
  }

  private func begin(_ message: Weft_Worker_V1_BlockLoad) {
    do {
      let load = try BlockLoad(message, blockCount: mover.blocks.blockCount)
      let gate = WriteGate()
      try state.withLock { (state) throws(MeshError) in
        let blocks = load.blocks.map(\.rawValue)
        guard !state.isClosed, state.gates[load.id] == nil,
          state.loadingBlocks.isDisjoint(with: blocks)
        else {
          throw .invalid("loads", "\(load.id) is under way, or loads a block that another does")
        }
        state.loadingBlocks.formUnion(blocks)
        state.gates[load.id] = gate
      }
      loadContinuation.yield((load, gate))
    } catch {
      mover.logger.warning("a load is refused", metadata: ["error": "\(error)"])
      send { $0.finishedLoads = [.with { $0.load = message.load }] }
    }
  }

  /// Whether any of the blocks is being loaded.
  func isLoading(_ blocks: [BlockID]) -> Bool {
    state.withLock { state in
      !state.loadingBlocks.isEmpty
        && blocks.contains { state.loadingBlocks.contains($0.rawValue) }
    }
  }

  /// The last store of those that have ended, for the next response; 0 if that was told already.
  func takeStoresDone() -> UInt64 {
    state.withLock { state in
      guard state.storesDone > state.storesTold else { return 0 }
      state.storesTold = state.storesDone
      return state.storesDone
    }
  }

  /// Ends everything. When it returns, no load writes to KV memory any more.
  func close() {
    let gates = state.withLock { state in
      state.isClosed = true
      return Array(state.gates.values)
    }
    for gate in gates { gate.close() }
    loadContinuation.finish()
    storeContinuation.finish()
  }

  // MARK: The work

  /// Works until the transfers are closed or the task is cancelled.
  func run() async {
    await withDiscardingTaskGroup { group in
      group.addTask { await self.runStores() }
      for await (load, gate) in loads {
        group.addTask { await self.run(load, through: gate) }
      }
      group.cancelAll()
    }
  }

  private func run(_ load: BlockLoad, through gate: WriteGate) async {
    let result = await mover.load(load, through: gate)
    // Before the scheduler hears of it, and uses the blocks.
    gate.close()
    let waiters = state.withLock { state in
      state.loadingBlocks.subtract(load.blocks.map(\.rawValue))
      state.gates[load.id] = nil
      guard state.gates.isEmpty else { return [AsyncStream<Never>.Continuation]() }
      defer { state.loadsIdleWaiters = [] }
      return state.loadsIdleWaiters
    }
    for waiter in waiters { waiter.finish() }
    send { $0.finishedLoads = [result] }
  }

  private func runStores() async {
    for await job in stores {
      await waitForLoads()
      if !job.staged.isEmpty { await mover.store(job.staged, in: job.namespace) }
      let isLast = state.withLock { state in
        state.waitingStores -= 1
        state.storesDone = max(state.storesDone, job.number)
        return state.waitingStores == 0
      }
      // Otherwise the next step, or the last of those that wait, tells it.
      guard isLast else { continue }
      let done = takeStoresDone()
      if done > 0 { send { $0.storesDone = done } }
    }
  }

  private func waitForLoads() async {
    let (idle, continuation) = AsyncStream.makeStream(of: Never.self)
    state.withLock { state in
      if state.gates.isEmpty {
        continuation.finish()
      } else {
        state.loadsIdleWaiters.append(continuation)
      }
    }
    for await _ in idle {}
  }

  private func send(_ change: (inout Response) -> Void) {
    var response = Response.with { $0.epoch = epoch }
    change(&response)
    responses.yield(response)
  }
}
