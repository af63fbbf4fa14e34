import BlockCache
import MeshTypes

/// Sequences whose clients do not wait for ever.
extension SchedulerCore {
  /// Tells what time it is. Without deadlines nobody needs to.
  ///
  /// - Parameter microseconds: Not before what was told last.
  /// - Returns: Failures with `deadlineExceeded`: whoever has not ended in time ends, and frees what it
  ///   holds.
  package mutating func advance(to microseconds: Int) -> [SequenceEvent] {
    now = max(now, microseconds)
    var events: [SequenceEvent] = []
    while let id = deadlines.next(at: now) {
      guard let slot = sequences.slot(of: id), sequences[slot].deadline.map({ $0 <= now }) == true
      else { continue }
      events.append(fail(slot, MeshError(.deadlineExceeded, "the deadline has passed")))
    }
    return events
  }

  /// Notes when a sequence must have ended, if it must.
  mutating func note(_ deadline: Int?, of id: SequenceID) {
    guard let deadline else { return }
    deadlines.add(id, at: deadline)
    // Most sequences end long before; what is kept of them is bounded by those that live.
    guard deadlines.count > 64 + 2 * sequences.count else { return }
    deadlines.compact { sequences.slot(of: $0) != nil }
  }

  /// Refuses what cannot end in time even if it were alone, as far as is known: while nothing has been
  /// learnt of a worker's speed, or if the KV store may have its blocks, it may.
  func checkDeadline(
    of request: SequenceRequest,
    _ sequence: inout InferenceSequence
  ) throws(MeshError) {
    guard let deadline = request.deadlineMicroseconds else { return }
    guard deadline > now else {
      throw MeshError(.deadlineExceeded, "the deadline has passed")
    }
    guard !settings.usesStore else { return }
    var least = Double.infinity
    for worker in workers where sequence.fits(worker.capabilities) {
      guard worker.transfers.hasLearntComputing else { return }
      let chain = sequence.keyChain(on: worker.capabilities)
      let hits = worker.pool.longestPrefix(of: sequence.keyChains[chain].keys).blockCount
      let tokenCount = sequence.tokenIDs.count
      let known = min(tokenCount - 1, hits * worker.capabilities.blockSizeTokens)
      let time = worker.transfers.computeMicroseconds(
        known..<tokenCount,
        chunk: min(prefillCap, worker.capabilities.maxBatchTokens)
      )
      least = min(least, time)
    }
    guard least.isInfinite || Double(now) + least <= Double(deadline) else {
      let time = Int(least / 1000)
      let left = (deadline - now) / 1000
      throw MeshError(
        .deadlineExceeded,
        "the prompt alone takes about \(time) ms, and the deadline is in \(left) ms"
      )
    }
  }
}
