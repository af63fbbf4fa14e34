import MeshTypes

/// Requests that may be what kills workers.
///
/// When a worker is lost, every sequence that it was computing is a suspect. Of the suspects a worker
/// computes one at a time, so that the next loss tells which of them it was; one that has got over the
/// positions at which its worker was lost is acquitted.
extension SchedulerCore {
  /// Holds the loss of a worker against the sequences that it was computing. If that convicts some of
  /// them, it is held against nobody else.
  mutating func suspect(sequencesOf worker: Int) {
    let ends = endsInFlight(on: worker)
    let convicted = ends.filter {
      sequences[$0.key].workerLosses + 1 >= settings.maxWorkerLosses
    }
    for (slot, end) in convicted.isEmpty ? ends : convicted {
      sequences[slot].workerLosses += 1
      sequences[slot].acquittalPosition = max(sequences[slot].acquittalPosition, end)
    }
  }

  /// Notes that positions before `end` of a sequence have been computed, and the worker lives.
  mutating func acquit(_ slot: Int, at end: Int) {
    guard sequences[slot].isSuspect, end >= sequences[slot].acquittalPosition else { return }
    sequences[slot].workerLosses = 0
    sequences[slot].acquittalPosition = 0
  }

  /// Fails a sequence that has lost too many workers, and remembers its request.
  mutating func convict(_ slot: Int) -> SequenceEvent {
    quarantine.insert(
      prompt: sequences[slot].tokenIDs.prefix(sequences[slot].promptTokenCount),
      salt: sequences[slot].cacheSalt,
      limit: settings.maxQuarantined
    )
    let losses = sequences[slot].workerLosses
    return fail(slot, MeshError(.internalError, "\(losses) workers died while computing it"))
  }

  /// Which suspects may be part of a worker's next plan.
  enum SuspectTurn: Hashable {
    /// There is none, or one that may still be in a plan in flight has left.
    case nobody
    case only(slot: Int)
  }

  func suspectTurn(on worker: Int) -> SuspectTurn {
    for slice in workers[worker].plansInFlight.lazy.flatMap(\.slices) where slice.isSuspect {
      guard isPresent(slice, on: worker) else { return .nobody }
      if sequences[slice.slot].isSuspect { return .only(slot: slice.slot) }
    }
    let next = workers[worker].running.first {
      sequences[$0].isSuspect && sequences[$0].wantedCount > 0
        && roomForPositions(of: $0, on: worker) > 0
    }
    return next.map { .only(slot: $0) } ?? .nobody
  }

  /// Whether a slice is of a sequence that still runs there since.
  private func isPresent(_ slice: WorkerState.SliceInFlight, on worker: Int) -> Bool {
    sequences.slot(of: slice.id) == slice.slot
      && sequences[slice.slot].admission == slice.admission
      && sequences[slice.slot].placement == .running(workers[worker].epoch)
  }

  /// The sequences that run on a worker and are part of a plan in flight, and up to where.
  private func endsInFlight(on worker: Int) -> [Int: Int] {
    var ends: [Int: Int] = [:]
    for slice in workers[worker].plansInFlight.lazy.flatMap(\.slices)
    where isPresent(slice, on: worker) {
      ends[slice.slot] = max(ends[slice.slot] ?? 0, slice.end + slice.openCount)
    }
    return ends
  }
}
