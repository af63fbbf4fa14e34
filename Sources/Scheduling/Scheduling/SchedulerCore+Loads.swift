import BlockCache
package import MeshTypes

/// Blocks on their way from the KV store into a worker.
extension SchedulerCore {
  /// Takes the ends of loads in. Those of a former membership, or without a load, are ignored.
  package mutating func complete(_ results: [LoadResult], of epoch: Epoch) {
    guard let worker = place(of: epoch) else { return }
    for result in results { complete(result, on: worker) }
  }

  private mutating func complete(_ result: LoadResult, on worker: Int) {
    guard workers[worker].loads[result.id]?.isSent == true,
      let load = workers[worker].loads.remove(result.id)
    else { return }
    note(worker)
    let loaded = min(max(0, result.loadedBlocks), load.request.blocks.count)
    workers[worker].transfers.observeLoad(
      memoryBytes: result.memoryBytes,
      diskBytes: result.diskBytes,
      microseconds: result.microseconds
    )
    if !load.isAbandoned { arrive(load, loadedBlocks: loaded, on: worker) }
    workers[worker].pool.release(table: load.request.blocks)
  }

  /// The sequence goes on after its loaded blocks; the rest is computed.
  private mutating func arrive(_ load: LoadTable.Load, loadedBlocks: Int, on worker: Int) {
    let slot = load.slot
    precondition(
      sequences.slot(of: load.sequence) == slot && sequences[slot].admission == load.admission
        && sequences[slot].load == load.request.id,
      "a sequence that left has abandoned its load"
    )
    let blockSize = workers[worker].capabilities.blockSizeTokens
    let end = load.firstBlock + loadedBlocks
    sequences[slot].load = nil
    for (block, key) in zip(load.request.blocks, load.request.keys).prefix(loadedBlocks) {
      workers[worker].pool.publish(block, as: key)
      workers[worker].fillsInProgress[key] = nil
    }
    sequences[slot].scheduledCount = end * blockSize
    sequences[slot].completedCount = end * blockSize
    sequences[slot].publishedBlockCount = end
    let failed = load.request.blocks.count - loadedBlocks
    counters.store.fetchedTokens += UInt64(loadedBlocks * blockSize)
    counters.store.failedTokens += UInt64(failed * blockSize)
    // What the store does not give, it is not asked for again before it has been asked anew.
    if failed > 0 { sequences[slot].storeKnowledge = .unknown }
    if sequences[slot].isFirstStay {
      sequences[slot].cachedPromptTokens = min(
        end * blockSize,
        sequences[slot].promptTokenCount - 1
      )
    }
  }

  /// Begins to fetch blocks `range` of a sequence that has just been admitted.
  mutating func beginLoad(of slot: Int, _ range: Range<Int>, _ plan: FetchPlan, on worker: Int) {
    let capabilities = workers[worker].capabilities
    let chain = sequences[slot].keyChain(on: capabilities)
    let keys = Array(sequences[slot].keyChains[chain].keys[range])
    let blocks = Array(sequences[slot].blockTable[range])
    for block in blocks { workers[worker].pool.retain(block) }
    var bytes = TransferModel.FetchBytes()
    let root = sequences[slot].keyChains[chain].root
    for stretch in sequences[slot].storeKnowledge.prefix(under: root).part(range) {
      switch stretch.tier {
      case .memory: bytes.memory += stretch.blockCount * capabilities.storeBlockBytes
      case .disk: bytes.disk += stretch.blockCount * capabilities.storeBlockBytes
      }
    }
    let id = workers[worker].loads.nextID
    workers[worker].loads.add(
      LoadTable.Load(
        slot: slot,
        sequence: sequences[slot].id,
        admission: sequences[slot].admission,
        firstBlock: range.lowerBound,
        request: BlockLoad(
          id: id,
          namespace: sequences[slot].namespace,
          blocks: blocks,
          keys: keys,
          timeoutMilliseconds: timeoutMilliseconds(of: plan)
        ),
        bytes: bytes
      )
    )
    sequences[slot].load = id
    if sequences[slot].preemptions > 0 { counters.store.swapIns += 1 }
  }

  /// A load may take some times as long as expected: what it has fetched by then is kept.
  private func timeoutMilliseconds(of plan: FetchPlan) -> Int {
    let patience = 4 * plan.fetchMicroseconds / 1000 + 100
    return min(Int(min(patience, 1e9)), settings.maxLoadMilliseconds)
  }

  /// Ends a sequence's wait for its load, as it leaves. Blocks that the worker may be writing to
  /// stay referenced until it says that it has stopped.
  mutating func abandonLoad(of slot: Int, on worker: Int) {
    guard let id = sequences[slot].load, let load = workers[worker].loads[id] else { return }
    sequences[slot].load = nil
    if load.isSent {
      workers[worker].loads.abandon(id)
    } else {
      workers[worker].loads.remove(id)
      workers[worker].pool.release(table: load.request.blocks)
    }
  }
}
