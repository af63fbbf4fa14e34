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
/// A store of full blocks waits for the loads that were there before it: it is for when there is
/// nothing better to do. No two stores are under way at once. What waits is bounded by the staging
/// buffers.
final class BlockTransfers: Sendable {
  /// A response that answers no plan.
  typealias Response = Weft_Worker_V1_ExecuteResponse

  private struct StoreJob: Sendable {
    enum Content: Sendable {
      /// Blocks as they are, and the loads that were under way when they came.
      case staged([StagedStore], loads: Set<UInt64>)
      /// Blocks that a step computes.
      case layered(LayeredStore)
    }

    let number: UInt64
    let namespace: String
    let content: Content
  }

  private let mover: BlockMover
  private let epoch: UInt64
  private let responses: AsyncStream<Response>.Continuation
  private let state = Mutex(TransferState())
  private let loads: AsyncStream<(BlockLoad, WriteGate)>
  private let loadContinuation: AsyncStream<(BlockLoad, WriteGate)>.Continuation
  private let stores: AsyncStream<StoreJob>
  private let storeContinuation: AsyncStream<StoreJob>.Continuation

  /// - Parameter responses: Takes all responses of the call.
  init(mover: BlockMover, epoch: UInt64, responses: AsyncStream<Response>.Continuation) {
    self.mover = mover
    self.epoch = epoch
    self.responses = responses
    (loads, loadContinuation) = AsyncStream.makeStream()
    (stores, storeContinuation) = AsyncStream.makeStream()
  }

  // MARK: The engine's side

  /// Copies a plan's stores away, but for those of blocks that it computes. To be called before anything
  /// is written to any block.
  func begin(_ stores: [Weft_Worker_V1_BlockStore]) {
    for message in stores { begin(message) }
  }

  /// Begins a plan's loads, which write to their blocks from now on.
  func begin(_ loads: [Weft_Worker_V1_BlockLoad], cancelling cancelledLoads: [UInt64]) {
    for id in cancelledLoads { state.withLock { $0.gates[id] }?.close() }
    for message in loads { begin(message) }
  }

  private func begin(_ message: Weft_Worker_V1_BlockStore) {
    let loads = state.withLock { state in
      state.waitingStores += 1
      return Set(state.gates.keys)
    }
    var content = StoreJob.Content.staged([], loads: [])
    do {
      let store = try BlockStore(message, blockCount: mover.blocks.blockCount)
      guard !isLoading(store.blocks) else {
        throw MeshError.invalid("stores.blocks", "must not be blocks that are being loaded")
      }
      if message.asComputed {
        let layered = mover.begin(store)
        state.withLock { $0.layeredStores.append(layered) }
        content = .layered(layered)
      } else {
        content = .staged(mover.stage(store), loads: loads)
      }
    } catch {
      mover.logger.warning("a store is refused", metadata: ["error": "\(error)"])
    }
    storeContinuation.yield(
      StoreJob(number: message.store, namespace: message.namespace, content: content)
    )
  }

  /// Notes which blocks the step makes full, if anyone stores them as computed; stores of others end
  /// here.
  func compute(_ blocks: () -> Set<BlockID>) {
    guard state.withLock({ !$0.layeredStores.isEmpty }) else { return }
    let blocks = blocks()
    let refused = state.withLock { state in
      let refused = state.layeredStores.filter { !$0.isContained(in: blocks) }
      state.layeredStores.removeAll { !$0.isContained(in: blocks) }
      return refused
    }
    for store in refused {
      mover.logger.warning("a store is refused: its blocks are not those that the step computes")
      store.end()
    }
  }

  /// Copies what a layer of the step has written.
  func didCompute(layer: Int) {
    for store in state.withLock(\.layeredStores) { store.copy(layer: layer) }
  }

  /// Notes the end of the step.
  func endStep() {
    state.withLock { state in
      for store in state.layeredStores { store.end() }
      state.layeredStores = []
    }
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

  /// Whether a block is being loaded.
  func isLoading(_ block: UInt32) -> Bool { state.withLock { $0.loadingBlocks.contains(block) } }

  /// Puts a response on the call's stream, and with it what there is to tell of stores.
  func answer(_ response: Response) {
    // Within the lock: what is told of stores never goes back.
    state.withLock { state in
      var response = response
      response.storesDone = state.takeStoresDone()
      responses.yield(response)
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
    let result = await result(of: load, through: gate)
    // Before the scheduler hears of it, and uses the blocks.
    gate.close()
    let waiters = state.withLock { $0.end(load) }
    for waiter in waiters { waiter.finish() }
    send { $0.finishedLoads = [result] }
  }

  /// Loads until all is done or the gate is closed: nobody waits for a store in vain.
  private func result(
    of load: BlockLoad,
    through gate: WriteGate
  ) async -> Weft_Worker_V1_LoadResult {
    await withTaskGroup(of: Weft_Worker_V1_LoadResult?.self) { group in
      group.addTask { await self.mover.load(load, through: gate) }
      group.addTask {
        await gate.closed()
        return nil
      }
      var result: Weft_Worker_V1_LoadResult?
      for await ended in group {
        group.cancelAll()
        result = ended ?? result
      }
      return result ?? .with { $0.load = load.id }
    }
  }

  private func runStores() async {
    for await job in stores {
      switch job.content {
      case .staged(let staged, let loads):
        await waitForLoads(loads)
        if !staged.isEmpty { await mover.store(staged, in: job.namespace) }
      case .layered(let layered): await mover.store(layered, in: job.namespace)
      }
      state.withLock { state in
        state.waitingStores -= 1
        state.storesDone = max(state.storesDone, job.number)
        // Otherwise the next step, or the last of those that wait, tells it.
        guard state.waitingStores == 0 else { return }
        let done = state.takeStoresDone()
        guard done > 0 else { return }
        responses.yield(
          .with {
            $0.epoch = epoch
            $0.storesDone = done
          }
        )
      }
    }
  }

  private func waitForLoads(_ loads: Set<UInt64>) async {
    let (end, continuation) = AsyncStream.makeStream(of: Never.self)
    state.withLock { state in
      let loads = loads.intersection(state.gates.keys)
      if loads.isEmpty {
        continuation.finish()
      } else {
        state.loadsWaiters.append(
          TransferState.LoadsWaiter(loads: loads, continuation: continuation)
        )
      }
    }
    for await _ in end {}
  }

  private func send(_ change: (inout Response) -> Void) {
    var response = Response.with { $0.epoch = epoch }
    change(&response)
    answer(response)
  }
}
