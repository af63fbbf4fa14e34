package import MeshTypes

/// What a worker's joining brought about.
package struct WorkerJoin: Hashable, Sendable {
  /// The new membership.
  package var epoch: Epoch
  /// Sequences that failed: those of the former membership of the same name that have now lost too
  /// many workers, and those that waited without any worker and fit none now.
  package var events: [SequenceEvent]
}

extension SchedulerCore {
  /// Makes a worker a member. A member of the same name is taken for lost.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the capability that is out of range.
  package mutating func join(_ capabilities: WorkerCapabilities) throws(MeshError) -> WorkerJoin {
    try capabilities.validate()
    var events: [SequenceEvent] = []
    for worker in workers where worker.capabilities.name == capabilities.name {
      events += workerLost(worker.epoch)
    }
    let epoch = nextEpoch
    nextEpoch = Epoch(epoch.rawValue + 1)
    workers.append(WorkerState(epoch: epoch, capabilities: capabilities))
    for slot in waiting.slots where !sequences[slot].wasSized {
      sequences[slot].wasSized = true
      if let error = sizingError(of: sequences[slot]) { events.append(fail(slot, error)) }
    }
    return WorkerJoin(epoch: epoch, events: events)
  }

  /// Ends a membership in good order: the worker is told nothing more, its sequences go back to
  /// the front of the queue and are recomputed elsewhere.
  package mutating func leave(_ epoch: Epoch) {
    _ = removeWorker(epoch, isLoss: false)
  }

  /// Ends the membership of a worker that died, hangs or broke the protocol. Its sequences go back
  /// to the front of the queue; those that it was computing become suspects, and fail with
  /// `internalError` at ``SchedulerSettings/maxWorkerLosses``.
  ///
  /// - Returns: The failures.
  package mutating func workerLost(_ epoch: Epoch) -> [SequenceEvent] {
    removeWorker(epoch, isLoss: true)
  }

  /// Gives a worker no new sequences; those that run there go on. It is free to leave once
  /// ``SchedulerStatistics`` show none running.
  package mutating func drain(_ epoch: Epoch) {
    guard let worker = place(of: epoch) else { return }
    workers[worker].isDraining = true
  }

  /// Takes ``drain(_:)`` back.
  package mutating func open(_ epoch: Epoch) {
    guard let worker = place(of: epoch) else { return }
    workers[worker].isDraining = false
  }

  /// Whether the epoch is a present membership.
  package func isMember(_ epoch: Epoch) -> Bool { place(of: epoch) != nil }

  private mutating func removeWorker(_ epoch: Epoch, isLoss: Bool) -> [SequenceEvent] {
    guard let worker = place(of: epoch) else { return [] }
    if isLoss {
      counters.workerLosses += 1
      suspect(sequencesOf: worker)
    }
    var events: [SequenceEvent] = []
    for slot in workers[worker].running {
      guard isLoss, sequences[slot].workerLosses >= settings.maxWorkerLosses else {
        requeue(slot)
        continue
      }
      events.append(convict(slot))
    }
    workers.remove(at: worker)
    return events
  }
}
