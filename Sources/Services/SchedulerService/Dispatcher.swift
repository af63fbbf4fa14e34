import GRPCCore
import MeshProtos
import MeshTypes
import Scheduling
import Synchronization

/// Connects the scheduling core with the world: every event goes in here, under one lock, and the
/// plans and sequence events that come of it go out to the streams that wait for them.
///
/// Nothing here waits: a stream holds at most the plans in flight of its worker, or the tokens of
/// its sequence, and both numbers are bounded by the core.
final class Dispatcher: Sendable {
  typealias SequenceEvents = AsyncThrowingStream<Weft_Scheduler_V1_GenerateResponse, any Error>

  private struct Member {
    let request: Weft_Scheduler_V1_JoinRequest
    let plans: AsyncStream<Weft_Worker_V1_ExecuteRequest>.Continuation
  }

  private struct State {
    var core: SchedulerCore
    /// Memory for plans; empty but while they are sent.
    var plans = PlanBatch()
    var members: [Epoch: Member] = [:]
    var sequences: [SequenceID: SequenceEvents.Continuation] = [:]
    var nextSequence: UInt64 = 1
    /// Finished when there is no sequence.
    var idleWaiters: [AsyncStream<Never>.Continuation] = []
  }

  private let state: Mutex<State>
  private let clock: SchedulerClock
  /// What the core wants to know of the KV store; every question must be answered by
  /// ``complete(_:)-(StoreAnswer)``. At most one for each live sequence waits here.
  let storeQueries: AsyncStream<StoreQuery>
  private let queryContinuation: AsyncStream<StoreQuery>.Continuation

  /// Creates a dispatcher around a fresh core.
  ///
  /// - Parameter clock: What deadlines are told in.
  init(core: SchedulerCore, clock: SchedulerClock) {
    self.clock = clock
    state = Mutex(State(core: core))
    (storeQueries, queryContinuation) = AsyncStream.makeStream()
  }

  // MARK: Sequences

  /// Takes a sequence in.
  ///
  /// - Parameter makeRequest: Makes the request from its id and the most tokens that a sequence can
  ///   have on the largest worker, nil without a worker.
  /// - Returns: The sequence's id, for ``cancel(_:)``, and its events.
  /// - Throws: ``MeshError`` from `makeRequest` or the core.
  func submit(
    _ makeRequest: (SequenceID, _ maxSequenceTokens: Int?) throws(MeshError) -> SequenceRequest
  ) throws(MeshError) -> (SequenceID, SequenceEvents) {
    let (events, continuation) = SequenceEvents.makeStream()
    let id = try state.withLock { (state) throws(MeshError) -> SequenceID in
      let id = SequenceID(state.nextSequence)
      if endOverdue(&state) { sendPlans(&state) }
      try state.core.submit(try makeRequest(id, state.core.maxSequenceTokens))
      state.nextSequence += 1
      state.sequences[id] = continuation
      sendPlans(&state)
      return id
    }
    return (id, events)
  }

  /// Ends a sequence and frees its blocks; nothing happens if it has ended already.
  func cancel(_ id: SequenceID) {
    state.withLock { state in
      guard let event = state.core.cancel(id) else { return }
      Self.send([event], &state)
      sendPlans(&state)
    }
  }

  /// Ends the sequences whose deadlines have passed. Every event does, and so need only who has a
  /// deadline while nothing happens.
  func endOverdue() {
    state.withLock { state in sendPlans(&state) }
  }

  /// Returns when no sequence is waiting or running, or when the task is cancelled.
  func waitUntilIdle() async {
    let (idle, continuation) = AsyncStream.makeStream(of: Never.self)
    state.withLock { state in
      if state.sequences.isEmpty {
        continuation.finish()
      } else {
        state.idleWaiters.append(continuation)
      }
    }
    for await _ in idle {}
  }

  // MARK: Workers

  /// The name of the model that the present workers run; nil without workers.
  var model: String? {
    state.withLock { $0.members.values.first?.request.capabilities.model }
  }

  /// Makes a worker a member, which gets sequences once ``open(_:)`` says that it takes plans.
  ///
  /// - Returns: Its membership, and the plans to send it.
  /// - Throws: ``MeshError`` `failedPrecondition` if other workers run another model,
  ///   `invalidArgument` naming a capability that is out of range.
  func join(
    _ request: Weft_Scheduler_V1_JoinRequest
  ) throws(MeshError) -> (Epoch, AsyncStream<Weft_Worker_V1_ExecuteRequest>) {
    let capabilities = try WorkerCapabilities(request)
    let (plans, continuation) = AsyncStream.makeStream(of: Weft_Worker_V1_ExecuteRequest.self)
    let epoch = try state.withLock { (state) throws(MeshError) -> Epoch in
      let others = state.members.values.filter { $0.request.worker != request.worker }
      if let other = others.first?.request.capabilities.model,
        other != request.capabilities.model
      {
        throw MeshError(
          .failedPrecondition,
          "capabilities.model must be \"\(other)\", which other workers run",
          field: "capabilities.model"
        )
      }
      let join = try state.core.join(capabilities)
      state.core.drain(join.epoch)
      Self.removeFormerMembers(&state)
      state.members[join.epoch] = Member(request: request, plans: continuation)
      Self.send(join.events, &state)
      sendPlans(&state)
      return join.epoch
    }
    return (epoch, plans)
  }

  /// Gives a member sequences from now on.
  func open(_ epoch: Epoch) {
    state.withLock { state in
      state.core.open(epoch)
      sendPlans(&state)
    }
  }

  /// Ends a membership: in good order, or because the worker was lost.
  func remove(_ epoch: Epoch, isLoss: Bool) {
    state.withLock { state in
      if isLoss {
        let events = state.core.workerLost(epoch)
        Self.send(events, &state)
      } else {
        state.core.leave(epoch)
      }
      Self.removeFormerMembers(&state)
      sendPlans(&state)
    }
  }

  /// Takes what a worker tells in: loads and stores that have ended, and a step's result unless the
  /// step is 0.
  func complete(_ response: Weft_Worker_V1_ExecuteResponse) {
    let epoch = Epoch(response.epoch)
    state.withLock { state in
      state.core.complete(response.finishedLoads.map { LoadResult($0) }, of: epoch)
      state.core.complete(storesThrough: response.storesDone, of: epoch)
      if response.step > 0 {
        let events = state.core.complete(StepResult(response))
        Self.send(events, &state, of: response)
      }
      Self.removeFormerMembers(&state)
      sendPlans(&state)
    }
  }

  /// Takes the KV store's answer in.
  func complete(_ answer: StoreAnswer) {
    state.withLock { state in
      Self.send(state.core.complete(answer), &state)
      sendPlans(&state)
    }
  }

  // MARK: Status

  /// Queues, workers and their blocks, as they are now.
  var status: Weft_Scheduler_V1_GetStatusResponse {
    state.withLock { state in
      Weft_Scheduler_V1_GetStatusResponse(state.core.statistics) { epoch in
        state.members[epoch]?.request
      }
    }
  }

  // MARK: Effects

  /// - Parameter response: The result that the events came of, if they did: the core does not know
  ///   how likely tokens were.
  private static func send(
    _ events: [SequenceEvent],
    _ state: inout State,
    of response: Weft_Worker_V1_ExecuteResponse = .init()
  ) {
    let logprobs = response.logprobs
    /// Tokens of the same sequence come one after the other.
    var previous: (id: SequenceID, count: Int)?
    for event in events {
      switch event {
      case .token(let id, let tokenID):
        let place = previous?.id == id ? previous?.count ?? 0 : 0
        previous = (id, place + 1)
        let known = logprobs[id.rawValue]?.dropFirst(place).first
        state.sequences[id]?.yield(
          Weft_Scheduler_V1_GenerateResponse(tokenID: tokenID, logprobs: known)
        )
      case .finished(let id, let reason, let usage):
        let stream = state.sequences.removeValue(forKey: id)
        stream?.yield(Weft_Scheduler_V1_GenerateResponse(reason: reason, usage: usage))
        stream?.finish()
      case .failed(let id, let error, _):
        state.sequences.removeValue(forKey: id)?.finish(throwing: error)
      }
    }
    guard state.sequences.isEmpty else { return }
    for waiter in state.idleWaiters { waiter.finish() }
    state.idleWaiters = []
  }

  /// - Returns: Whether there were any, so that others may have their places.
  private func endOverdue(_ state: inout State) -> Bool {
    let overdue = state.core.advance(to: clock.now())
    guard !overdue.isEmpty else { return false }
    Self.send(overdue, &state)
    return true
  }

  private func sendPlans(_ state: inout State) {
    _ = endOverdue(&state)
    state.core.nextPlans(into: &state.plans)
    for plan in state.plans {
      state.members[plan.epoch]?.plans.yield(Weft_Worker_V1_ExecuteRequest(plan))
    }
    state.plans.removeAll()
    for query in state.core.nextStoreQueries() { queryContinuation.yield(query) }
  }

  /// Ends the plan streams of workers that the core no longer counts as members.
  private static func removeFormerMembers(_ state: inout State) {
    for (epoch, member) in state.members where !state.core.isMember(epoch) {
      member.plans.finish()
      state.members[epoch] = nil
    }
  }
}
