import MeshTypes

extension SchedulerCore {
  /// Makes the next plans of all workers that can take one; those of one worker are to be sent in this
  /// order, after all its earlier ones.
  ///
  /// It takes no memory once `plans` has held as much before, unless sequences come, go, or move.
  ///
  /// - Parameter plans: Replaced by the new ones, in the same memory where nobody else holds it.
  /// - Complexity: O(workers + sequences that run where something has changed since the last call
  ///   + admitted × workers), however many sequences wait.
  package mutating func nextPlans(into plans: inout PlanBatch) {
    plans.removeAll()
    repeat {
      for epoch in changed {
        guard let worker = place(of: epoch), hasRoomForPlan(worker) else { continue }
        growBlockTables(on: worker)
      }
      dispatch()
      swap(&changed, &scratch.epochs)
      for next in scratch.epochs.indices {
        guard let worker = place(of: scratch.epochs[next]) else { continue }
        workers[worker].hasNews = false
        guard hasRoomForPlan(worker), formPlan(on: worker, in: &plans) else { continue }
        workers[worker].load = nil
        if hasRoomForPlan(worker) { note(worker) }
      }
      scratch.epochs.removeAll(keepingCapacity: true)
    } while !changed.isEmpty
  }

  /// Notes that something has happened to a worker that its next plan, or whom it takes, may depend
  /// on.
  mutating func note(_ worker: Int) {
    workers[worker].load = nil
    guard !workers[worker].hasNews else { return }
    workers[worker].hasNews = true
    let epoch = workers[worker].epoch
    changed.insert(epoch, at: changed.count(whileLeading: { $0 < epoch }))
  }

  /// Whether another plan may be in flight. If none may, a result is to come, which is news.
  private func hasRoomForPlan(_ worker: Int) -> Bool {
    workers[worker].plansInFlight.count < settings.maxPlansInFlight
  }

  /// - Returns: Whether there is something to plan.
  private mutating func formPlan(on worker: Int, in plans: inout PlanBatch) -> Bool {
    var shares: [Share] = []
    swap(&shares, &scratch.shares)
    defer {
      shares.removeAll(keepingCapacity: true)
      swap(&shares, &scratch.shares)
    }
    dealBudget(on: worker, to: &shares)
    guard
      !shares.isEmpty || !workers[worker].releases.isEmpty
        || !workers[worker].pendingStores.isEmpty || !workers[worker].pendingCopies.isEmpty
        || workers[worker].loads.hasNews
    else { return false }
    workers[worker].stepsPlanned += 1
    let step = StepID(workers[worker].stepsPlanned)
    plans.append(epoch: workers[worker].epoch, step: step) { plan in
      swap(&plan.releases, &workers[worker].releases)
      swap(&plan.stores, &workers[worker].pendingStores)
      swap(&plan.copies, &workers[worker].pendingCopies)
      (plan.loads, plan.cancelledLoads) = workers[worker].loads.takeNews()
      schedule(shares, in: &plan, on: worker)
    }
    return true
  }

  private mutating func schedule(_ shares: [Share], in plan: inout StepPlan, on worker: Int) {
    var inFlight = workers[worker].spareSlices.popLast() ?? []
    var work = TransferModel.StepWork()
    for share in shares {
      let slot = share.slot
      if !sequences[slot].isStarted { plan.starts.append(start(slot)) }
      let slice = schedule(share, newBlocks: &plan.newBlocks)
      plan.slices.append(slice)
      if let store = storeAsComputed(slice, of: slot, on: worker) { plan.stores.append(store) }
      work.add(slice.startPosition..<slice.startPosition + slice.tokenCount)
      inFlight.append(
        WorkerState.SliceInFlight(
          slot: slot,
          id: slice.sequence,
          admission: sequences[slot].admission,
          end: slice.startPosition + slice.tokenCount,
          samples: slice.samples,
          draftLimit: share.draftLimit,
          openCount: sequences[slot].draftsInFlight,
          isSuspect: sequences[slot].isSuspect
        )
      )
    }
    workers[worker].plansInFlight.append(
      WorkerState.PlanInFlight(step: plan.step, slices: inFlight, work: work)
    )
  }

  /// A sequence's part of a step's budget.
  struct Share {
    var slot: Int
    var tokenCount: Int
    var draftLimit = 0
  }

  /// Deals the step's budget: one token to each sequence that decodes, then to prompts what the cap
  /// lets each have, then to drafts; all by rank.
  private func dealBudget(on worker: Int, to shares: inout [Share]) {
    var budget = workers[worker].capabilities.maxBatchTokens
    var places = workers[worker].capabilities.maxBatchSequences
    let turn = suspectTurn(on: worker)
    for isPrefill in [false, true] {
      for slot in workers[worker].running where budget > 0 && places > 0 {
        let wanted = min(sequences[slot].wantedCount, roomForPositions(of: slot, on: worker))
        guard wanted > 0, (wanted > 1) == isPrefill,
          !sequences[slot].isSuspect || turn == .only(slot: slot)
        else { continue }
        let share = min(wanted, prefillCap, budget)
        shares.append(Share(slot: slot, tokenCount: share))
        budget -= share
        places -= 1
      }
    }
    // A draft is sampled from like a sequence.
    dealDrafts(to: &shares, upTo: min(budget, places), on: worker)
  }

  /// Positions that its blocks have room for beyond those scheduled: fewer than it wants when blocks
  /// are awaited that loads still write to.
  func roomForPositions(of slot: Int, on worker: Int) -> Int {
    let blockSize = workers[worker].capabilities.blockSizeTokens
    return sequences[slot].blockTable.count * blockSize - sequences[slot].mostScheduledCount
  }

  private mutating func start(_ slot: Int) -> SequenceStart {
    sequences[slot].isStarted = true
    let sequence = sequences[slot]
    return SequenceStart(
      id: sequence.id,
      tokenIDs: sequence.tokenIDs,
      generatedTokenCount: sequence.generatedTokenCount,
      stopTokenIDs: sequence.sampling.minTokens > 0 ? sequence.limits.stopTokenIDs : [],
      sampling: sequence.sampling
    )
  }

  private mutating func schedule(_ share: Share, newBlocks: inout [BlockID]) -> PlannedSlice {
    let slot = share.slot, tokenCount = share.tokenCount
    let start = sequences[slot].scheduledCount
    let isOpen = sequences[slot].draftsInFlight + share.draftLimit > 0
    let samples = start + tokenCount == sequences[slot].totalCount
    let firstNew = newBlocks.count
    newBlocks += sequences[slot].blockTable[sequences[slot].sentBlockCount...]
    sequences[slot].sentBlockCount = sequences[slot].blockTable.count
    sequences[slot].scheduledCount += tokenCount
    if samples { sequences[slot].samplesInFlight += 1 }
    sequences[slot].draftsInFlight += share.draftLimit
    return PlannedSlice(
      sequence: sequences[slot].id,
      startPosition: start,
      tokenCount: tokenCount,
      newBlocks: firstNew..<newBlocks.count,
      samples: samples,
      draftLimit: isOpen ? share.draftLimit : nil
    )
  }
}
