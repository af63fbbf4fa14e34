import MeshTypes
import Scheduling

/// Plans to the workers, steps there, and what they report.
extension Simulation {
  mutating func send(_ plan: StepPlan) throws(SimulationViolation) {
    guard let quietTime = links[plan.epoch]?.quietTime, links[plan.epoch]?.isOpen == true else {
      throw SimulationViolation("a plan for epoch \(plan.epoch.rawValue), which is no member")
    }
    let time = max(arrivalTime(), quietTime)
    let arrival = links[plan.epoch]?.plans.send(plan, arrivingAt: time)
    queue.add(.plan(plan.epoch), at: arrival ?? time)
  }

  mutating func deliverPlan(_ epoch: Epoch) throws(SimulationViolation) {
    guard let quietTime = links[epoch]?.quietTime, let worker = links[epoch]?.worker else { return }
    if quietTime > now { return queue.add(.plan(epoch), at: quietTime) }
    guard let plan = links[epoch]?.plans.receive(), hosts[worker].epoch == epoch else { return }
    hosts[worker].plans.append(plan)
    try startStep(worker)
  }

  /// Begins the oldest plan, if the worker is free to.
  mutating func startStep(_ worker: Int) throws(SimulationViolation) {
    guard hosts[worker].canStartStep(at: now) else { return }
    let plan = hosts[worker].plans.removeFirst()
    var execution: SimulatedWorker.Execution
    do throws(SimulationViolation) {
      execution = try hosts[worker].worker.execute(plan)
    } catch {
      throw SimulationViolation("on \(hosts[worker].worker.capabilities.name): \(error)")
    }
    let speed = hosts[worker].slowness / hosts[worker].worker.capabilities.relativeSpeed
    let duration =
      scenario.stepTime.microseconds(of: plan.slices, drafts: execution.result.draftedTokens)
      * speed
    execution.result.computeMicroseconds = duration
    measurements.count(plan)
    hosts[worker].busyMicroseconds += Int(duration)
    for (put, contents) in execution.puts { begin(put, contents, worker) }
    for load in execution.loads { begin(load, worker) }
    hosts[worker].execution = execution
    let end = now + max(1, Int(duration))
    queue.add(.stepEnd(worker: worker, stay: hosts[worker].stay), at: end)
  }

  mutating func endStep(_ worker: Int, _ stay: Int) throws(SimulationViolation) {
    guard hosts[worker].stay == stay, let execution = hosts[worker].execution else { return }
    if hosts[worker].resumeTime > now {
      return queue.add(.stepEnd(worker: worker, stay: stay), at: hosts[worker].resumeTime)
    }
    if execution.isFatal {
      return try strike(.crash(worker: worker, downMicroseconds: 500_000))
    }
    hosts[worker].execution = nil
    report(.step(execution.result), from: worker)
    try startStep(worker)
  }

  mutating func report(_ report: WorkerReport, from worker: Int) {
    guard let epoch = hosts[worker].epoch, let quietTime = links[epoch]?.quietTime else { return }
    let time = max(arrivalTime(), quietTime)
    let arrival = links[epoch]?.reports.send(report, arrivingAt: time)
    queue.add(.report(epoch), at: arrival ?? time)
  }

  mutating func deliverReport(_ epoch: Epoch) throws(SimulationViolation) {
    guard let quietTime = links[epoch]?.quietTime else { return }
    if quietTime > now { return queue.add(.report(epoch), at: quietTime) }
    guard let report = links[epoch]?.reports.receive(), core != nil else { return }
    let wasMember = core?.isMember(epoch) == true
    let before = wasMember ? nil : core?.statistics
    var events: [SequenceEvent] = []
    switch report {
    case .step(let result): events = core?.complete(result) ?? []
    case .load(let result): core?.complete([result], of: epoch)
    case .stores(let number): core?.complete(storesThrough: number, of: epoch)
    }
    if let before {
      measurements.staleReports += 1
      try require(
        events.isEmpty && core?.statistics == before,
        "what a former member reports has an effect"
      )
    } else {
      try require(core?.isMember(epoch) == true, "a worker is put out for a right result")
    }
    try settle(events)
  }

  // MARK: The KV store

  mutating func ask(_ query: StoreQuery) {
    let isLost = generator.happens(scenario.store.lossProbability)
    let answer = isLost ? StoreAnswer(to: query, nil) : store.answer(query)
    let time = arrivalTime() + (isLost ? 50_000 : scenario.store.latencyMicroseconds)
    queue.add(.storeAnswer(life: life, answer), at: time)
  }

  mutating func take(_ answer: StoreAnswer, of life: Int) throws(SimulationViolation) {
    guard life == self.life else { return }
    try settle(core?.complete(answer) ?? [])
  }

  /// When a transfer of so many blocks is done: one after the other.
  private mutating func transferTime(_ blockCount: Int, _ worker: Int) -> Int {
    let bytes = Double(blockCount * hosts[worker].worker.capabilities.storeBlockBytes)
    let duration = Int(bytes / scenario.store.bytesPerSecond * 1e6)
    hosts[worker].transferTime = max(now, hosts[worker].transferTime) + duration
    return hosts[worker].transferTime + scenario.store.latencyMicroseconds
  }

  private mutating func begin(_ put: BlockStore, _ contents: [[UInt32]], _ worker: Int) {
    queue.add(
      .putEnd(worker: worker, stay: hosts[worker].stay, put, contents),
      at: transferTime(put.blocks.count, worker)
    )
  }

  mutating func endPut(
    _ put: BlockStore,
    _ contents: [[UInt32]],
    _ worker: Int,
    _ stay: Int
  ) throws(SimulationViolation) {
    for (key, content) in zip(put.keys, contents) {
      // Without a free buffer a block is dropped.
      if generator.happens(scenario.store.lossProbability) { continue }
      try store.put(put.namespace, key, content)
    }
    guard hosts[worker].stay == stay else { return }
    report(.stores(through: put.number), from: worker)
  }

  private mutating func begin(_ load: BlockLoad, _ worker: Int) {
    let time = transferTime(load.blocks.count, worker)
    let latest = now + load.timeoutMilliseconds * 1000
    queue.add(.loadEnd(worker: worker, stay: hosts[worker].stay, load), at: min(time, latest))
  }

  mutating func endLoad(_ load: BlockLoad, _ worker: Int, _ stay: Int) {
    guard hosts[worker].stay == stay else { return }
    if hosts[worker].resumeTime > now {
      return queue.add(.loadEnd(worker: worker, stay: stay, load), at: hosts[worker].resumeTime)
    }
    var contents: [[UInt32]] = []
    for key in load.keys {
      guard let content = store.get(load.namespace, key),
        !generator.happens(scenario.store.lossProbability)
      else { break }
      contents.append(content)
    }
    hosts[worker].worker.endLoad(load.id, contents)
    let bytes = contents.count * hosts[worker].worker.capabilities.storeBlockBytes
    let duration = Double(bytes) / scenario.store.bytesPerSecond * 1e6
    let latency = Double(scenario.store.latencyMicroseconds)
    report(
      .load(
        LoadResult(
          id: load.id,
          loadedBlocks: contents.count,
          microseconds: latency + duration,
          memoryBytes: bytes
        )
      ),
      from: worker
    )
  }
}
