import BlockCache
import MeshTypes

/// Memory for sequences that grow.
extension SchedulerCore {
  /// Gives every running sequence the blocks for what it wants to compute next, in the order of
  /// their ranks; preempts where there are none. For drafts only free ones are taken.
  mutating func growBlockTables(on worker: Int) {
    let epoch = workers[worker].epoch
    for slot in workers[worker].running {
      // A victim of this very loop has nothing to grow.
      guard sequences[slot].placement == .running(epoch) else { continue }
      let positions = sequences[slot].mostScheduledCount + sequences[slot].wantedCount
      let capabilities = workers[worker].capabilities
      let needed = capabilities.blocks(covering: positions)
      let wished = capabilities.blocks(covering: positions + draftWish(of: slot, on: worker))
      guard sequences[slot].blockTable.count < wished else { continue }
      note(worker)
      extendBlockTable(of: slot, to: wished, on: worker)
      while sequences[slot].blockTable.count < needed {
        guard let victim = chooseVictim(on: worker, for: slot) else { break }
        preempt(victim, on: worker)
        if victim == slot { break }
        extendBlockTable(of: slot, to: needed, on: worker)
      }
    }
  }

  /// Appends free blocks until the table has `count` or none is free.
  mutating func extendBlockTable(of slot: Int, to count: Int, on worker: Int) {
    while sequences[slot].blockTable.count < count,
      let block = workers[worker].pool.allocate()
    {
      sequences[slot].blockTable.append(block)
    }
  }

  /// Least priority, then least computed tokens, then anyone before the one who asks, then the
  /// youngest. Never the first-ranked sequence of the worker: that it always goes on is what
  /// guarantees progress. Nor one that waits for a load, which holds its blocks until it ends; nor
  /// one that has given way often enough, which has all blocks that it needs.
  ///
  /// - Returns: nil when blocks will come free as loads and those sequences end.
  private func chooseVictim(on worker: Int, for slot: Int) -> Int? {
    func order(_ candidate: Int) -> (Int, Int, Int) {
      (
        sequences[candidate].rank.priority, sequences[candidate].scheduledCount,
        candidate == slot ? 1 : 0
      )
    }
    let others = workers[worker].running.dropFirst()
    let candidates = others.filter { sequences[$0].load == nil && !isSettled($0) }
    // Reversed: `min` takes the first of equals, and the youngest shall be it.
    let victim = candidates.reversed().min { order($0) < order($1) }
    precondition(
      victim != nil || workers[worker].loads.count > 0 || others.contains { isSettled($0) },
      "a sequence was admitted that does not fit alone"
    )
    return victim
  }

  /// Whether it may not be preempted again.
  func isSettled(_ slot: Int) -> Bool { sequences[slot].preemptions >= settings.maxPreemptions }

  /// Blocks that it takes when it is admitted: for all tokens that are known, or that it may ever
  /// have. The last token takes no slot.
  func blocksAtAdmission(of slot: Int, on worker: Int) -> Int {
    let known = sequences[slot].tokenIDs.count
    return workers[worker].capabilities.blocks(
      covering: isSettled(slot) ? max(known, sequences[slot].maxTotalCount - 1) : known
    )
  }

  private mutating func preempt(_ slot: Int, on worker: Int) {
    swapOut(slot, on: worker)
    counters.preemptions += 1
    sequences[slot].preemptions += 1
    requeue(slot)
  }
}
