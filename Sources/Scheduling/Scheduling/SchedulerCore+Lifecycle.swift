import BlockCache
import MeshTypes

/// How a sequence leaves its worker and the scheduler.
extension SchedulerCore {
  mutating func finish(_ slot: Int, _ reason: FinishReason) -> SequenceEvent {
    let event = SequenceEvent.finished(sequences[slot].id, reason, sequences[slot].usage)
    counters.finished += 1
    remove(slot)
    return event
  }

  mutating func fail(_ slot: Int, _ error: MeshError) -> SequenceEvent {
    let event = SequenceEvent.failed(sequences[slot].id, error, sequences[slot].usage)
    counters.failed += 1
    remove(slot)
    return event
  }

  private mutating func remove(_ slot: Int) {
    switch sequences[slot].placement {
    case .waiting:
      waiting.remove(rank: sequences[slot].rank)
      countPlaced(slot)
    case .running: withdraw(slot)
    }
    let sequence = sequences[slot]
    shares.correct(
      by: sequence.tokenIDs.count - charge(for: sequence),
      priority: sequence.rank.priority,
      tenant: sequence.namespace
    )
    sequences.remove(slot)
  }

  /// Takes a running sequence off its worker and puts it back into the queue at its rank.
  mutating func requeue(_ slot: Int) {
    withdraw(slot)
    // What it has computed may be in the store by now.
    sequences[slot].storeKnowledge = .unknown
    waiting.insert(
      slot,
      rank: sequences[slot].rank,
      promptTokens: sequences[slot].promptTokenCount
    )
    countWaiting(slot)
  }

  /// Takes a running sequence off its worker: frees its blocks, and has the worker forget it.
  private mutating func withdraw(_ slot: Int) {
    guard case .running(let epoch) = sequences[slot].placement, let worker = place(of: epoch)
    else { preconditionFailure("a running sequence has a worker") }
    note(worker)
    abandonLoad(of: slot, on: worker)
    workers[worker].pool.release(table: sequences[slot].blockTable)
    workers[worker].running.removeAll { $0 == slot }
    if sequences[slot].isStarted { workers[worker].releases.append(sequences[slot].id) }
    // A copy that no plan has told yet would write to a block that may be another's by then.
    let table = sequences[slot].blockTable
    workers[worker].pendingCopies.removeAll { table.contains($0.destination) }
    endFills(of: slot, on: worker)
    sequences[slot].vacate()
  }

  /// Forgets which blocks the sequence was going to fill.
  private mutating func endFills(of slot: Int, on worker: Int) {
    let id = sequences[slot].id
    let chain = sequences[slot].keyChain(on: workers[worker].capabilities)
    let published = sequences[slot].publishedBlockCount
    for key in sequences[slot].keyChains[chain].keys.dropFirst(published)
    where workers[worker].fillsInProgress[key] == id {
      workers[worker].fillsInProgress[key] = nil
    }
    endTailFill(of: slot, on: worker)
  }
}
