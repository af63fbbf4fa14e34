import BlockCache
import MeshTypes

extension SchedulerCore {
  /// Takes a step's result in.
  ///
  /// A result of a former membership or of a step completed already is ignored. One that is out of
  /// order breaks the protocol: its worker is taken for lost, as by ``workerLost(_:)``. A token
  /// that is missing or not in the vocabulary fails its sequence alone.
  ///
  /// - Returns: What it means for the sequences, in order.
  package mutating func complete(_ result: StepResult) -> [SequenceEvent] {
    guard let worker = place(of: result.epoch),
      result.step.rawValue > workers[worker].stepsCompleted
    else { return [] }
    guard let plan = workers[worker].plansInFlight.first, plan.step == result.step else {
      return workerLost(result.epoch)
    }
    note(worker)
    workers[worker].plansInFlight.removeFirst()
    workers[worker].stepsCompleted = result.step.rawValue
    workers[worker].computeMicroseconds += result.computeMicroseconds
    workers[worker].idleMicroseconds += result.idleMicroseconds
    workers[worker].transfers.observe(plan.work, microseconds: result.computeMicroseconds)
    completedSteps += 1
    var events: [SequenceEvent] = []
    events.reserveCapacity(plan.slices.count)
    var expected = 0
    for slice in plan.slices {
      let token = slice.samples ? sampledToken(of: slice.id, in: result, near: &expected) : nil
      guard let slot = sequences.slot(of: slice.id) else { continue }
      let failure = result.failures.first { $0.sequence == slice.id }
      complete(slice, slot, token, failure, on: worker, &events)
    }
    return events
  }

  /// Finds a sequence's token; in a result that is in the plan's order at the first look.
  private func sampledToken(
    of id: SequenceID,
    in result: StepResult,
    near expected: inout Int
  ) -> TokenID? {
    if expected < result.sampled.count, result.sampled[expected].sequence == id {
      expected += 1
      return result.sampled[expected - 1].tokenID
    }
    return result.sampled.first { $0.sequence == id }?.tokenID
  }

  private mutating func complete(
    _ slice: WorkerState.SliceInFlight,
    _ slot: Int,
    _ token: TokenID?,
    _ failure: SequenceFailure?,
    on worker: Int,
    _ events: inout [SequenceEvent]
  ) {
    let isPresent =
      sequences[slot].placement == .running(workers[worker].epoch)
      && sequences[slot].admission == slice.admission
    // A sequence that was preempted meanwhile and waits takes its token all the same: it is the one
    // that it would compute again. One that runs anew computes it anew.
    let isWaiting = sequences[slot].placement == .waiting
    guard isPresent || isWaiting else { return }
    acquit(slot, at: slice.end)
    if let failure {
      events.append(fail(slot, failure.error))
      return
    }
    if isPresent {
      sequences[slot].completedCount = slice.end
      publishFullBlocks(of: slot, on: worker)
      if let fill = sequences[slot].tailFill, slice.end >= fill.end {
        endTailFill(of: slot, on: worker)
      }
    }
    guard slice.samples, isPresent || slice.end == sequences[slot].tokenIDs.count else { return }
    if isPresent { sequences[slot].samplesInFlight -= 1 }
    accept(token, slot, from: worker, &events)
  }

  private mutating func accept(
    _ token: TokenID?,
    _ slot: Int,
    from worker: Int,
    _ events: inout [SequenceEvent]
  ) {
    let vocabularySize = workers[worker].capabilities.vocabularySize
    guard let token, Int(token) < vocabularySize else {
      let what = token.map { "token \($0), not below \(vocabularySize)" } ?? "no token"
      let name = workers[worker].capabilities.name
      events.append(fail(slot, MeshError(.internalError, "worker \(name) sampled \(what)")))
      return
    }
    sequences[slot].tokenIDs.append(token)
    counters.generatedTokens += 1
    events.append(.token(sequences[slot].id, token))
    if sequences[slot].limits.stopTokenIDs.contains(token) {
      events.append(finish(slot, .stop))
    } else if sequences[slot].tokenIDs.count == sequences[slot].maxTotalCount {
      events.append(finish(slot, .length))
    } else if sequences[slot].placement == .running(workers[worker].epoch) {
      handOver(slot, from: worker)
    }
  }

  /// Offers the blocks that are full and written to those who come later.
  private mutating func publishFullBlocks(of slot: Int, on worker: Int) {
    let blockSize = workers[worker].capabilities.blockSizeTokens
    let full = sequences[slot].completedCount / blockSize
    guard full > sequences[slot].publishedBlockCount else { return }
    let chain = sequences[slot].keyChain(on: workers[worker].capabilities)
    for block in sequences[slot].publishedBlockCount..<full {
      let key = sequences[slot].keyChains[chain].keys[block]
      workers[worker].pool.publish(sequences[slot].blockTable[block], as: key)
      workers[worker].fillsInProgress[key] = nil
    }
    if settings.usesStore, settings.storeWrites == .all {
      store(sequences[slot].publishedBlockCount..<full, of: slot, on: worker)
    }
    sequences[slot].publishedBlockCount = full
  }
}
