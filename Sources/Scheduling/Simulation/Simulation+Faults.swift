import MeshTypes
import Scheduling

/// What goes wrong, and how the mesh comes to know.
extension Simulation {
  mutating func strike(_ fault: SimulationFault) throws(SimulationViolation) {
    measurements.faults += 1
    switch fault {
    case .crash(let worker, let down):
      guard hosts[worker].isUp else { return }
      let epoch = hosts[worker].epoch
      hosts[worker].endStay()
      hosts[worker].isUp = false
      // The connection breaks with the process.
      if let epoch { queue.add(.loss(epoch), at: arrivalTime()) }
      queue.add(.join(worker: worker), at: now + down)
    case .hang(let worker, let duration):
      guard hosts[worker].isUp else { return }
      hosts[worker].resumeTime = max(hosts[worker].resumeTime, now + duration)
      queue.add(.wake(worker: worker), at: hosts[worker].resumeTime)
      noticeSilence(of: worker, lasting: duration)
    case .slow(let worker, let factor, let duration):
      hosts[worker].slowness = factor
      queue.add(.recovery(worker: worker), at: now + duration)
    case .silence(let worker, let duration):
      guard let epoch = hosts[worker].epoch else { return }
      let quietTime = max(links[epoch]?.quietTime ?? 0, now + duration)
      links[epoch]?.quietTime = quietTime
      noticeSilence(of: worker, lasting: duration)
    case .leave(let worker, let away):
      guard let epoch = hosts[worker].epoch else { return }
      try leave(epoch, worker, away)
    case .drain(let worker, let away):
      guard let epoch = hosts[worker].epoch, core?.isMember(epoch) == true else { return }
      core?.drain(epoch)
      queue.add(.drained(epoch, worker: worker, awayMicroseconds: away), at: now)
      try settle([])
    case .restart(let down): stopScheduler(down)
    case .storeLoss: store.removeAll()
    }
  }

  private mutating func noticeSilence(of worker: Int, lasting duration: Int) {
    let patience = scenario.network.silenceMicroseconds
    guard duration >= patience, let epoch = hosts[worker].epoch else { return }
    queue.add(.loss(epoch), at: now + patience)
  }

  // MARK: Membership

  mutating func lose(_ epoch: Epoch) throws(SimulationViolation) {
    guard core?.isMember(epoch) == true, let link = links[epoch] else { return }
    links[epoch]?.isOpen = false
    let events = core?.workerLost(epoch) ?? []
    try settle(events)
    // A worker that lives finds its calls broken once it runs, or hears from the scheduler, again;
    // until then it goes on with what it has.
    guard hosts[link.worker].epoch == epoch else { return }
    let back = max(now, hosts[link.worker].resumeTime, link.quietTime)
    queue.add(.join(worker: link.worker), at: back + Int(generator.exponential(mean: 50_000)))
  }

  mutating func join(_ worker: Int) throws(SimulationViolation) {
    if hosts[worker].resumeTime > now {
      return queue.add(.join(worker: worker), at: hosts[worker].resumeTime)
    }
    hosts[worker].isUp = true
    if let epoch = hosts[worker].epoch, links[epoch]?.isOpen == true { return }
    guard core != nil else {
      let pause = 100_000 + Int(generator.exponential(mean: 100_000))
      return queue.add(.join(worker: worker), at: now + pause)
    }
    let joined: WorkerJoin?
    do throws(MeshError) {
      joined = try core?.join(hosts[worker].worker.capabilities)
    } catch {
      throw SimulationViolation("a worker is not taken: \(error)")
    }
    guard let joined else { return }
    if let former = hosts[worker].lastEpoch { links[former]?.isOpen = false }
    hosts[worker].endStay()
    hosts[worker].epoch = joined.epoch
    hosts[worker].lastEpoch = joined.epoch
    links[joined.epoch] = WorkerLink(worker: worker)
    nextEpoch = Epoch(joined.epoch.rawValue + 1)
    try settle(joined.events)
  }

  private mutating func leave(
    _ epoch: Epoch,
    _ worker: Int,
    _ away: Int
  ) throws(SimulationViolation) {
    hosts[worker].endStay()
    links[epoch]?.isOpen = false
    core?.leave(epoch)
    queue.add(.join(worker: worker), at: now + away)
    try settle([])
  }

  mutating func leaveIfIdle(
    _ epoch: Epoch,
    _ worker: Int,
    _ away: Int
  ) throws(SimulationViolation) {
    guard hosts[worker].epoch == epoch,
      let member = core?.statistics.workers.first(where: { $0.epoch == epoch })
    else { return }
    if member.runningSequences == 0 { return try leave(epoch, worker, away) }
    queue.add(.drained(epoch, worker: worker, awayMicroseconds: away), at: now + 50_000)
  }

  // MARK: The scheduler

  private mutating func stopScheduler(_ down: Int) {
    guard let core else { return }
    measurements.add(core.statistics.counters)
    self.core = nil
    life += 1
    clientOfSequence = [:]
    for epoch in links.keys { links[epoch]?.isOpen = false }
    for client in clients.indices where clients[client].sequence != nil { resubmit(client) }
    queue.add(.schedulerStart, at: now + down)
    for worker in hosts.indices where hosts[worker].epoch != nil {
      let back = max(now + down, hosts[worker].resumeTime)
      queue.add(.join(worker: worker), at: back + Int(generator.exponential(mean: 50_000)))
    }
  }

  mutating func startScheduler() throws(SimulationViolation) {
    nextSequence = 1
    do throws(MeshError) {
      core = try SchedulerCore(settings: scenario.settings, firstEpoch: nextEpoch)
    } catch {
      throw SimulationViolation("the settings are not taken: \(error)")
    }
  }
}
