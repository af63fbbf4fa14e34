import MeshTypes
import Scheduling

/// The gateway's side: requests, resubmissions, cancellations, and what comes back.
extension Simulation {
  /// As many times a gateway submits a request.
  private static let maxSubmissions = 20

  mutating func arrive(_ client: Int) {
    let request = clients[client].request
    queue.add(.submission(client: client), at: arrivalTime())
    queue.add(.timeout(client: client), at: now + request.timeoutMicroseconds)
    if let cancel = request.cancelMicroseconds {
      queue.add(.cancellation(client: client), at: now + cancel)
    }
  }

  mutating func submit(_ client: Int) throws(SimulationViolation) {
    guard clients[client].outcome == nil else { return }
    if clients[client].completedReason != nil { return end(client, .answered) }
    guard core != nil else { return resubmit(client) }
    let id = SequenceID(nextSequence)
    let asked = clients[client].request
    let deadline = asked.arrivalMicroseconds + asked.timeoutMicroseconds
    let request = clients[client].submission(
      id: id,
      deadlineMicroseconds: scenario.tellsDeadlines ? deadline : nil
    )
    do throws(MeshError) {
      try core?.submit(request)
    } catch {
      return end(client, .failed(error.code))
    }
    nextSequence += 1
    clientOfSequence[id] = client
    clients[client].sequence = (life, id)
    try settle([])
  }

  /// Submits again a while later: the scheduler is not there.
  mutating func resubmit(_ client: Int) {
    clients[client].sequence = nil
    clients[client].attempts += 1
    guard clients[client].attempts < Self.maxSubmissions else {
      return end(client, .failed(.unavailable))
    }
    let mean = Double(min(1_000_000, 50_000 << min(clients[client].attempts, 8)))
    queue.add(.submission(client: client), at: now + Int(generator.exponential(mean: mean)))
  }

  /// The client loses interest: the gateway has the scheduler stop.
  mutating func abandon(_ client: Int, _ outcome: RequestOutcome) {
    guard clients[client].outcome == nil else { return }
    if let sequence = clients[client].sequence {
      queue.add(.withdrawal(life: sequence.life, sequence.id), at: arrivalTime())
    }
    end(client, outcome)
  }

  mutating func withdraw(_ id: SequenceID, of life: Int) throws(SimulationViolation) {
    guard life == self.life, let event = core?.cancel(id) else { return }
    try settle([event])
  }

  mutating func receive(
    _ news: SequenceEvent,
    _ client: Int,
    of life: Int
  ) throws(SimulationViolation) {
    // The gateway listens to the one call that is open.
    guard life == self.life, let sequence = clients[client].sequence, sequence.life == life else {
      return
    }
    switch news {
    case .token(let id, let token):
      guard id == sequence.id else { return }
      try clients[client].receive(token, at: now)
    case .finished(let id, let reason, let usage):
      guard id == sequence.id else { return }
      try clients[client].finish(reason, usage, at: now)
      openClients -= 1
    case .failed(let id, let error, _):
      guard id == sequence.id else { return }
      end(client, .failed(error.code))
    }
  }

  private mutating func end(_ client: Int, _ outcome: RequestOutcome) {
    clients[client].end(outcome, at: now)
    openClients -= 1
  }

  // MARK: Out of the core

  /// After every event at the core: its sequence events go to the gateways, its plans to the workers,
  /// its questions to the store.
  mutating func settle(_ events: [SequenceEvent]) throws(SimulationViolation) {
    for event in events { try tell(event) }
    for event in core?.advance(to: now) ?? [] { try tell(event) }
    guard core != nil else { return }
    changeCount += 1
    core?.nextPlans(into: &plans)
    for plan in plans { try send(plan) }
    for query in core?.nextStoreQueries() ?? [] { ask(query) }
  }

  private mutating func tell(_ event: SequenceEvent) throws(SimulationViolation) {
    let id: SequenceID
    var isEnd = true
    switch event {
    case .token(let sequence, _): (id, isEnd) = (sequence, false)
    case .finished(let sequence, _, _): id = sequence
    case .failed(let sequence, _, _): id = sequence
    }
    guard let client = clientOfSequence[id] else {
      throw SimulationViolation("sequence \(id.rawValue) is told of after its end: \(event)")
    }
    if isEnd { clientOfSequence[id] = nil }
    newsTimes[client] = max(newsTimes[client], arrivalTime())
    queue.add(.news(client: client, life: life, event), at: newsTimes[client])
  }
}
