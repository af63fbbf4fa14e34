import BlockCache
import MeshTypes

/// What cannot end in time is refused early: the time that it would take is others'.
///
/// A refusal has to be right as far as anybody knows. So the least time is estimated: the sequence is alone,
/// what is under way for others is there at once, and the KV store has whatever it has not denied.
extension SchedulerCore {
  /// Refuses a sequence whose known tokens cannot be computed before its deadline.
  ///
  /// - Throws: ``MeshError`` `deadlineExceeded`.
  func checkDeadline(of sequence: inout InferenceSequence) throws(MeshError) {
    guard let deadline = sequence.deadline else { return }
    guard deadline > now else {
      throw MeshError(.deadlineExceeded, "the deadline has passed")
    }
    guard let least = leastMicroseconds(of: &sequence), Double(now) + least > Double(deadline)
    else { return }
    let time = Int(min(least / 1000, 1e15))
    let left = (deadline - now) / 1000
    throw MeshError(
      .deadlineExceeded,
      "the prompt alone takes at least \(time) ms, and the deadline is in \(left) ms"
    )
  }

  /// Ends a sequence that has never run, if the store's answer leaves it no chance.
  mutating func refuseIfLate(_ slot: Int) -> [SequenceEvent] {
    guard sequences[slot].admission == 0, sequences[slot].deadline != nil else { return [] }
    var sequence = sequences[slot]
    do {
      try checkDeadline(of: &sequence)
      return []
    } catch {
      return [fail(slot, error)]
    }
  }

  /// - Returns: nil if no worker fits, or if nothing has been learnt of one's speed.
  private func leastMicroseconds(of sequence: inout InferenceSequence) -> Double? {
    let stored = settings.usesStore ? storedBlocks(of: &sequence) : [:]
    let last = sequence.tokenIDs.count - 1
    var least: Double?
    for worker in workers.indices where sequence.fits(workers[worker].capabilities) {
      let capabilities = workers[worker].capabilities
      guard workers[worker].transfers.hasLearntComputing else { return nil }
      let chain = sequence.keyChain(on: capabilities)
      let present = presentBlocks(sequence.keyChains[chain].keys, on: worker)
      let blockSize = capabilities.blockSizeTokens
      // Beside whole blocks it may copy the beginning of one.
      let known = min(last, present * blockSize + (settings.copiesSharedTails ? blockSize - 1 : 0))
      var fetchable = known
      if settings.usesStore, capabilities.storeBlockBytes > 0 {
        let blocks = min(stored[sequence.keyChains[chain].root] ?? .max, last / blockSize)
        fetchable = max(known, blocks * blockSize)
      }
      let time = workers[worker].transfers.leastMicroseconds(
        known..<last + 1,
        fetchable: fetchable - known,
        bytesPerPosition: Double(capabilities.storeBlockBytes) / Double(blockSize),
        chunk: min(prefillCap, capabilities.maxBatchTokens)
      )
      least = min(least ?? time, time)
    }
    return least
  }

  /// Leading blocks that the KV store has, or may have at any moment because a worker has them, by
  /// their root; none for a root that it was not asked for, of which it may have all.
  private func storedBlocks(of sequence: inout InferenceSequence) -> [BlockKey: Int] {
    guard case .known(let prefix, let root, _) = sequence.storeKnowledge else { return [:] }
    var blocks = prefix.blockCount
    for worker in workers.indices where workers[worker].capabilities.storeBlockBytes > 0 {
      let chain = sequence.keyChain(on: workers[worker].capabilities)
      guard sequence.keyChains[chain].root == root else { continue }
      blocks = max(blocks, presentBlocks(sequence.keyChains[chain].keys, on: worker))
    }
    return [root: blocks]
  }

  /// Leading blocks that a worker has, or may have at any moment: those that plans in flight compute,
  /// and those that are being fetched.
  private func presentBlocks(_ keys: [BlockKey], on worker: Int) -> Int {
    let blockSize = workers[worker].capabilities.blockSizeTokens
    var count = 0
    while count < keys.count {
      if workers[worker].pool.lookup(keys[count]) == nil {
        guard let filler = workers[worker].fillsInProgress[keys[count]],
          let slot = sequences.slot(of: filler),
          sequences[slot].load != nil || sequences[slot].mostScheduledCount > count * blockSize
        else { break }
      }
      count += 1
    }
    return count
  }
}
