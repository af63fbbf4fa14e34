import BlockCache
import MeshTypes

extension SchedulerCore {
  /// Takes a step's result in.
  ///
  /// A result of a former membership or of a step completed already is ignored. One that is out of
  /// order breaks the protocol: its worker is taken for lost, as by ``workerLost(_:)``. A token
  /// that is missing, too many or not in the vocabulary fails its sequence alone.
  ///
  /// - Returns: What it means for the sequences, in order.
  package mutating func complete(_ result: StepResult) -> [SequenceEvent] {
    guard let worker = place(of: result.epoch),
      result.step.rawValue > workers[worker].stepsCompleted
    else { return [] }
    guard workers[worker].plansInFlight.first?.step == result.step else {
      return workerLost(result.epoch)
    }
    note(worker)
    var plan = workers[worker].plansInFlight.removeFirst()
    workers[worker].stepsCompleted = result.step.rawValue
    workers[worker].computeMicroseconds += result.computeMicroseconds
    workers[worker].idleMicroseconds += result.idleMicroseconds
    observe(plan, result, on: worker)
    completedSteps += 1
    var events: [SequenceEvent] = []
    events.reserveCapacity(plan.slices.count)
    var expected = 0
    for slice in plan.slices {
      let sampled = slice.samples ? sampledTokens(of: slice.id, in: result, near: &expected) : 0..<0
      guard let slot = sequences.slot(of: slice.id) else { continue }
      let failure = result.failures.first { $0.sequence == slice.id }
      complete(slice, slot, result.sampled[sampled], failure, on: worker, &events)
    }
    plan.slices.removeAll(keepingCapacity: true)
    workers[worker].spareSlices.append(plan.slices)
    return events
  }

  private mutating func observe(
    _ plan: WorkerState.PlanInFlight,
    _ result: StepResult,
    on worker: Int
  ) {
    var work = plan.work
    let permitted = plan.slices.reduce(0) { $0 + $1.draftLimit }
    let drafted = min(max(0, result.draftedTokens), permitted)
    work.addDrafts(drafted)
    counters.draftedTokens += UInt64(drafted)
    workers[worker].transfers.observe(work, microseconds: result.computeMicroseconds)
  }

  /// Finds a sequence's tokens, which stand together; in a result that is in the plan's order at the
  /// first look.
  private func sampledTokens(
    of id: SequenceID,
    in result: StepResult,
    near expected: inout Int
  ) -> Range<Int> {
    var first = expected
    if first >= result.sampled.count || result.sampled[first].sequence != id {
      first = result.sampled.firstIndex { $0.sequence == id } ?? result.sampled.count
    }
    var end = first
    while end < result.sampled.count, result.sampled[end].sequence == id { end += 1 }
    if first == expected { expected = end }
    return first..<end
  }

  private mutating func complete(
    _ slice: WorkerState.SliceInFlight,
    _ slot: Int,
    _ sampled: ArraySlice<SampledToken>,
    _ failure: SequenceFailure?,
    on worker: Int,
    _ events: inout [SequenceEvent]
  ) {
    // A sequence that was preempted meanwhile and waits takes its tokens all the same: they are those
    // that it would compute again. One that runs anew computes them anew.
    guard sequences[slot].admission == slice.admission else { return }
    let isPresent = sequences[slot].placement == .running(workers[worker].epoch)
    guard isPresent || sequences[slot].placement == .waiting else { return }
    acquit(slot, at: slice.end)
    if let failure {
      events.append(fail(slot, failure.error))
      return
    }
    let known = sequences[slot].tokenIDs.count
    var ending: Ending?
    if slice.samples {
      ending = accept(sampled, of: slice, slot, from: worker, &events)
    }
    if isPresent {
      let accepted = max(0, sequences[slot].tokenIDs.count - known - 1)
      if slice.samples {
        sequences[slot].samplesInFlight -= 1
        sequences[slot].draftsInFlight -= slice.draftLimit
        sequences[slot].scheduledCount += accepted
        counters.acceptedDraftTokens += UInt64(accepted)
      }
      // What the worker has written for drafts that were wrong is beyond it, and written again.
      sequences[slot].completedCount = (slice.samples ? known : slice.end) + accepted
      publishFullBlocks(of: slot, on: worker)
      if let fill = sequences[slot].tailFill, slice.end >= fill.end {
        endTailFill(of: slot, on: worker)
      }
    }
    switch ending {
    case .finished(let reason): events.append(finish(slot, reason))
    case .failed(let error): events.append(fail(slot, error))
    case nil: if slice.samples, isPresent { handOver(slot, from: worker) }
    }
  }

  /// How a sequence ends with a step's tokens.
  private enum Ending {
    case finished(FinishReason)
    case failed(MeshError)
  }

  /// Takes a slice's tokens in, up to one that ends the sequence; what comes after it is dropped.
  private mutating func accept(
    _ sampled: ArraySlice<SampledToken>,
    of slice: WorkerState.SliceInFlight,
    _ slot: Int,
    from worker: Int,
    _ events: inout [SequenceEvent]
  ) -> Ending? {
    let vocabularySize = workers[worker].capabilities.vocabularySize
    let wrong = sampled.first { Int($0.tokenID) >= vocabularySize }?.tokenID
    guard wrong == nil, 1...1 + slice.draftLimit ~= sampled.count else {
      let what =
        wrong.map { "token \($0), not below \(vocabularySize)" }
        ?? (sampled.isEmpty ? "no token" : "\(sampled.count) tokens, more than it may")
      let name = workers[worker].capabilities.name
      return .failed(MeshError(.internalError, "worker \(name) sampled \(what)"))
    }
    for token in sampled.lazy.map(\.tokenID) {
      sequences[slot].tokenIDs.append(token)
      counters.generatedTokens += 1
      events.append(.token(sequences[slot].id, token))
      if sequences[slot].limits.stopTokenIDs.contains(token) { return .finished(.stop) }
      if sequences[slot].tokenIDs.count == sequences[slot].maxTotalCount {
        return .finished(.length)
      }
    }
    return nil
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
