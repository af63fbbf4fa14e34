import MeshTypes

/// How much one tenant may have waiting: with a bound, nobody can fill the queue for all others.
extension SchedulerCore {
  /// Tenants whose turns are remembered; those of several priorities count several times.
  package var rememberedTenants: Int { shares.count }

  /// - Throws: ``MeshError`` `resourceExhausted` when the queue is full, or a tenant's part of it.
  func checkQueue(for tenant: String) throws(MeshError) {
    guard waiting.count < settings.maxWaitingSequences else {
      throw queueError("\(waiting.count) sequences wait already")
    }
    guard let bound = settings.maxWaitingSequencesPerTenant,
      let count = waitingByTenant[tenant], count >= bound
    else { return }
    throw queueError("\(count) sequences of this tenant wait already")
  }

  /// Notes that a sequence begins to wait.
  mutating func countWaiting(_ slot: Int) {
    guard settings.maxWaitingSequencesPerTenant != nil else { return }
    waitingByTenant[sequences[slot].namespace, default: 0] += 1
  }

  /// Notes that a sequence waits no longer.
  mutating func countPlaced(_ slot: Int) {
    guard settings.maxWaitingSequencesPerTenant != nil else { return }
    let tenant = sequences[slot].namespace
    let left = waitingByTenant[tenant, default: 0] - 1
    waitingByTenant[tenant] = left > 0 ? left : nil
  }

  /// - Parameter reason: What is full.
  private func queueError(_ reason: String) -> MeshError {
    let pause = retryMilliseconds
    return MeshError(
      .resourceExhausted,
      "\(reason), which is the most; try again in \(pause) ms",
      retryAfterMilliseconds: pause
    )
  }

  /// When there should be room in a full queue: the time in which all workers together compute a tenth
  /// of the prompts that wait, as far as their speed is known.
  private var retryMilliseconds: Int {
    let positionsPerMillisecond = workers.reduce(0.0) { speed, worker in
      speed + 1000 / max(1, worker.transfers.microsecondsPerPosition.first)
    }
    guard positionsPerMillisecond > 0 else { return 1000 }
    let time = Double(waiting.promptTokens) / 10 / positionsPerMillisecond
    return Int(min(max(time, 100), 30_000))
  }
}
