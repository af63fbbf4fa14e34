import GRPCCore
import GRPCCoreTransport
import Logging
import MeshProtos
import MeshRuntime
import Synchronization

/// The schedulers that a gateway knows, and which of them gets what.
///
/// With one alone there is nothing to choose: it gets everything, and is waited for while it is away.
final class SchedulerCells: Sendable {
  typealias Scheduler = Weft_Scheduler_V1_SchedulerService.Client<CoreClientTransport>

  /// The connections, in the order of the settings.
  let connections: [MeshClient]
  private let names: [String]
  private let schedulers: [Scheduler]
  private let router: Mutex<CellRouter>
  private let statusTimeout: Duration
  private let resubmission: Backoff
  private let logger: Logger

  init(settings: GatewaySettings, logger: Logger) {
    let addresses = settings.schedulers
    statusTimeout = settings.statusTimeout
    resubmission = settings.resubmission
    connections = addresses.map { MeshClient(address: $0, keepalive: .whileWorking) }
    names = addresses.map { "\($0)" }
    schedulers = connections.map { Scheduler(wrapping: $0.grpc) }
    router = Mutex(CellRouter(cellCount: addresses.count))
    self.logger = logger
  }

  /// Whether there is only one.
  var isSingle: Bool { schedulers.count == 1 }

  // MARK: Requests

  /// For a new request.
  func makeAttempts() -> CellAttempts { CellAttempts(backoff: resubmission) }

  /// Submits a sequence to the cell that should answer first.
  ///
  /// - Parameters:
  ///   - message: The sequence.
  ///   - model: The model's name.
  ///   - attempts: What has come of earlier submissions.
  ///   - timeout: The time that is left for it.
  ///   - receive: Takes what the scheduler says; true after the last word.
  /// - Throws: ``CellFailure``, or what `receive` throws.
  func generate(
    _ message: Weft_Scheduler_V1_GenerateRequest,
    model: String,
    attempts: CellAttempts,
    timeout: Duration,
    receive: @Sendable @escaping (Weft_Scheduler_V1_GenerateResponse) async throws -> Bool
  ) async throws {
    guard !isSingle else {
      try await submit(message, to: 0, timeout: timeout, receive: receive) { _ in }
      return
    }
    let request = CellRequest(
      model: model,
      promptTokenIDs: message.promptTokenIds,
      cacheSalt: Array(message.cacheSalt),
      maxTokens: message.hasMaxTokens ? Int(message.maxTokens) : nil
    )
    let dispatch = try await place(request, avoiding: attempts.avoided)
    defer { router.withLock { $0.end(dispatch) } }
    do {
      try await submit(message, to: dispatch.cell, timeout: timeout, receive: receive) { router in
        router.answer(dispatch)
      }
      record(.answered, of: dispatch.cell)
    } catch var failure as CellFailure {
      record(CircuitBreaker.Outcome(ofSequence: failure.error.code), of: dispatch.cell)
      failure.hasAlternative = router.withLock { router in
        router.hasCell(for: request, besides: attempts.refusing.union([dispatch.cell]))
      }
      throw failure
    }
  }

  private func place(
    _ request: CellRequest,
    avoiding avoided: Set<Int>
  ) async throws(CellFailure) -> CellDispatch {
    if let dispatch = choose(request, avoiding: avoided) { return dispatch }
    // What is known may be old, or nothing yet.
    await refresh(unlessWithin: .milliseconds(100))
    if let dispatch = choose(request, avoiding: avoided) { return dispatch }
    // Where all keep silent they may be slow rather than gone; those that are gone fail at once.
    if let dispatch = choose(request, avoiding: [], isDesperate: true) { return dispatch }
    throw CellFailure(
      cell: nil,
      error: RPCError(
        code: .unavailable,
        message: "none of \(schedulers.count) schedulers has workers for \"\(request.model)\" now"
      ),
      hasAlternative: false
    )
  }

  private func choose(
    _ request: CellRequest,
    avoiding avoided: Set<Int>,
    isDesperate: Bool = false
  ) -> CellDispatch? {
    var generator = SystemRandomNumberGenerator()
    return router.withLock { router in
      router.place(request, avoiding: avoided, isDesperate: isDesperate, using: &generator)
    }
  }

  /// - Parameter answer: Called when the first message comes.
  private func submit(
    _ message: Weft_Scheduler_V1_GenerateRequest,
    to cell: Int,
    timeout: Duration,
    receive: @Sendable @escaping (Weft_Scheduler_V1_GenerateResponse) async throws -> Bool,
    answer: @Sendable @escaping (inout CellRouter) -> Void
  ) async throws {
    var options = CallOptions.waiting(for: timeout)
    options.waitForReady = isSingle
    do {
      try await schedulers[cell].generate(
        message,
        metadata: RequestID.metadata(message.requestID),
        options: options
      ) { response in
        var isFirst = true
        for try await part in response.messages {
          if isFirst { self.router.withLock { answer(&$0) } }
          isFirst = false
          do {
            if try await receive(part) { return }
          } catch {
            throw ReceiverFailure(error: error)
          }
        }
        throw RPCError(code: .unavailable, message: "the scheduler's stream ended early")
      }
    } catch let failure as ReceiverFailure {
      throw failure.error
    } catch let error as RPCError {
      throw CellFailure(cell: cell, error: error, hasAlternative: false)
    }
  }

  // MARK: Status

  /// What the schedulers say of themselves; those that do not answer are left out.
  ///
  /// - Throws: `RPCError` if none answers.
  func statuses() async throws -> [Weft_Scheduler_V1_GetStatusResponse] {
    guard !isSingle else {
      return [try await schedulers[0].getStatus(.init(), options: .unaryDefaults)]
    }
    let answers = await ask(schedulers.indices)
    let statuses = answers.compactMap { try? $0.get() }
    guard statuses.isEmpty else { return statuses }
    throw RPCError(
      code: .unavailable,
      message: "none of \(schedulers.count) schedulers answers: \(names.joined(separator: ", "))"
    )
  }

  /// Asks the schedulers how they are, except those that have failed a moment ago.
  ///
  /// - Parameter age: Nor those that were asked within this time.
  func refresh(unlessWithin age: Duration) async {
    _ = await ask(router.withLock { $0.cellsToAsk(at: .now, unlessWithin: age) })
  }

  private func ask(
    _ cells: some Sequence<Int> & Sendable
  ) async -> [Result<Weft_Scheduler_V1_GetStatusResponse, any Error>] {
    await withTaskGroup { group in
      for cell in cells { group.addTask { await self.ask(cell) } }
      return await group.reduce(into: []) { $0.append($1) }
    }
  }

  private func ask(_ cell: Int) async -> Result<Weft_Scheduler_V1_GetStatusResponse, any Error> {
    var options = CallOptions.defaults
    options.timeout = statusTimeout
    options.waitForReady = false
    do {
      let status = try await schedulers[cell].getStatus(.init(), options: options)
      router.withLock { $0.learn(CellCapacity.byModel(status), of: cell) }
      record(.answered, of: cell)
      return .success(status)
    } catch {
      record(CircuitBreaker.Outcome(ofStatus: (error as? RPCError)?.code), of: cell)
      return .failure(error)
    }
  }

  private func record(_ outcome: CircuitBreaker.Outcome, of cell: Int) {
    var generator = SystemRandomNumberGenerator()
    let change = router.withLock { $0.record(outcome, of: cell, at: .now, using: &generator) }
    guard let answers = change else { return }
    logger.log(
      level: answers ? .info : .warning,
      answers ? "scheduler answers" : "scheduler does not answer",
      metadata: ["scheduler": "\(names[cell])"]
    )
  }
}

/// What the receiver of a stream threw, which is not the scheduler's doing.
private struct ReceiverFailure: Error {
  var error: any Error
}

extension CircuitBreaker.Outcome {
  /// What the end of a sequence says about its scheduler.
  fileprivate init(ofSequence code: RPCError.Code) {
    switch code {
    case .unavailable: self = .failed
    // The client's time is over, or it has left.
    case .deadlineExceeded, .cancelled: self = .abandoned
    default: self = .answered
    }
  }

  /// What a status that did not come says about its scheduler.
  fileprivate init(ofStatus code: RPCError.Code?) {
    switch code {
    case .deadlineExceeded: self = .timedOut
    case .cancelled, nil: self = .abandoned
    default: self = .failed
    }
  }
}
