package import MeshTypes

extension SchedulerCore {
  /// The next plans of all workers that can take one, by epoch.
  package mutating func nextPlans() -> [StepPlan] {
    var plans: [StepPlan] = []
    for epoch in workers.map(\.epoch) {
      while let plan = nextPlan(for: epoch) { plans.append(plan) }
    }
    return plans
  }

  /// The next plan of a worker, to be sent after all its earlier ones.
  ///
  /// - Returns: nil when there is nothing to do, when as many plans as allowed are in flight, and
  ///   for an epoch that is not (or no longer) a member.
  /// - Complexity: O(running + admitted × workers).
  package mutating func nextPlan(for epoch: Epoch) -> StepPlan? {
    guard let worker = place(of: epoch),
      workers[worker].plansInFlight.count < settings.maxPlansInFlight
    else { return nil }
    growBlockTables(on: worker)
    dispatch()
    return formPlan(on: worker)
  }

  private mutating func formPlan(on worker: Int) -> StepPlan? {
    let plannedSlots = dealBudget(on: worker)
    guard
      !plannedSlots.isEmpty || !workers[worker].releases.isEmpty
        || !workers[worker].pendingStores.isEmpty || workers[worker].loads.hasNews
    else { return nil }
    workers[worker].stepsPlanned += 1
    let step = StepID(workers[worker].stepsPlanned)
    var plan = StepPlan(
      epoch: workers[worker].epoch,
      step: step,
      releases: workers[worker].releases,
      starts: [],
      slices: []
    )
    workers[worker].releases = []
    plan.stores = workers[worker].pendingStores
    workers[worker].pendingStores = []
    (plan.loads, plan.cancelledLoads) = workers[worker].loads.takeNews()
    plan.slices.reserveCapacity(plannedSlots.count)
    var inFlight: [WorkerState.SliceInFlight] = []
    inFlight.reserveCapacity(plannedSlots.count)
    var work = TransferModel.StepWork()
    for (slot, tokenCount) in plannedSlots {
      if !sequences[slot].isStarted { plan.starts.append(start(slot)) }
      let slice = schedule(slot, tokenCount: tokenCount)
      plan.slices.append(slice)
      if let store = storeAsComputed(slice, of: slot, on: worker) { plan.stores.append(store) }
      work.add(slice.startPosition..<slice.startPosition + slice.tokenCount)
      inFlight.append(
        WorkerState.SliceInFlight(
          slot: slot,
          id: slice.sequence,
          admission: sequences[slot].admission,
          end: slice.startPosition + slice.tokenCount,
          samples: slice.samples
        )
      )
    }
    workers[worker].plansInFlight.append(
      WorkerState.PlanInFlight(step: step, slices: inFlight, work: work)
    )
    return plan
  }

  /// Deals the step's budget: one token to each sequence that decodes, then to prompts what the cap
  /// lets each have; both by rank.
  private func dealBudget(on worker: Int) -> [(slot: Int, tokenCount: Int)] {
    var budget = workers[worker].capabilities.maxBatchTokens
    var places = workers[worker].capabilities.maxBatchSequences
    var shares: [(slot: Int, tokenCount: Int)] = []
    shares.reserveCapacity(min(workers[worker].running.count, places))
    for isPrefill in [false, true] {
      for slot in workers[worker].running where budget > 0 && places > 0 {
        let wanted = min(sequences[slot].wantedCount, roomForPositions(of: slot, on: worker))
        guard wanted > 0, (wanted > 1) == isPrefill else { continue }
        let share = min(wanted, prefillCap, budget)
        shares.append((slot, share))
        budget -= share
        places -= 1
      }
    }
    return shares
  }

  /// Positions that its blocks have room for beyond those scheduled: fewer than it wants when blocks
  /// are awaited that loads still write to.
  private func roomForPositions(of slot: Int, on worker: Int) -> Int {
    let blockSize = workers[worker].capabilities.blockSizeTokens
    return sequences[slot].blockTable.count * blockSize - sequences[slot].scheduledCount
  }

  private mutating func start(_ slot: Int) -> SequenceStart {
    sequences[slot].isStarted = true
    let sequence = sequences[slot]
    return SequenceStart(
      id: sequence.id,
      tokenIDs: sequence.tokenIDs,
      promptTokenCount: sequence.promptTokenCount,
      generatedTokenCount: sequence.generatedTokenCount,
      stopTokenIDs: sequence.sampling.minTokens > 0 ? sequence.limits.stopTokenIDs : [],
      sampling: sequence.sampling
    )
  }

  private mutating func schedule(_ slot: Int, tokenCount: Int) -> PlannedSlice {
    let start = sequences[slot].scheduledCount
    let samples = start + tokenCount == sequences[slot].totalCount
    let newBlocks = Array(sequences[slot].blockTable[sequences[slot].sentBlockCount...])
    sequences[slot].sentBlockCount = sequences[slot].blockTable.count
    sequences[slot].scheduledCount += tokenCount
    if samples { sequences[slot].samplesInFlight += 1 }
    return PlannedSlice(
      sequence: sequences[slot].id,
      startPosition: start,
      tokenCount: tokenCount,
      newBlocks: newBlocks,
      samples: samples
    )
  }
}
