import MeshTypes
import Scheduling

extension SimulationScenario {
  /// Checks that every request ended as it may: with its answer, or with an error that something in
  /// the scenario explains.
  func verify(_ outcomes: [RequestOutcome]) throws(SimulationViolation) {
    for (number, (request, outcome)) in zip(requests, outcomes).enumerated() {
      try require(
        explains(outcome, of: request),
        "request \(number) ends as \(outcome), which nothing explains: \(request)"
      )
    }
  }

  private func explains(_ outcome: RequestOutcome, of request: SimulatedRequest) -> Bool {
    switch outcome {
    case .answered:
      // A flaw strikes at the model's last token, which not every request reaches.
      request.flaw == .none || request.maxTokens < request.naturalTokens
    case .cancelled: request.cancelMicroseconds != nil
    case .failed(.deadlineExceeded): request.timeoutMicroseconds < Self.patience
    case .failed(.invalidArgument): request.flaw == .fails
    case .failed(.outOfRange): !workers.allSatisfy { request.fits($0) }
    case .failed(.resourceExhausted):
      min(settings.maxWaitingSequences, settings.maxWaitingSequencesPerTenant ?? .max)
        < requests.count
    case .failed(.unavailable): hasRestarts
    case .failed(.internalError):
      request.flaw == .killsWorkers || isKillersDouble(request)
        || lossCount >= settings.maxWorkerLosses
    case .failed: false
    }
  }

  /// Who waits so long must get an answer.
  private static let patience = 60_000_000

  private var hasRestarts: Bool {
    faults.contains {
      if case .restart = $0.fault { true } else { false }
    }
  }

  /// Whether one with its prompt was quarantined.
  private func isKillersDouble(_ request: SimulatedRequest) -> Bool {
    requests.contains { $0.flaw == .killsWorkers && $0.prompt == request.prompt }
  }

  /// Whose fault losses may be: a request that is there at so many of them looks guilty.
  private var lossCount: Int {
    requests.count { $0.flaw == .killsWorkers } + faultLossCount
  }

  /// Faults by which a worker may be lost.
  private var faultLossCount: Int {
    faults.count {
      switch $0.fault {
      case .crash: true
      case .hang(_, let duration), .silence(_, let duration):
        duration >= network.silenceMicroseconds
      default: false
      }
    }
  }
}

extension SimulatedRequest {
  fileprivate func fits(_ worker: WorkerCapabilities) -> Bool {
    prompt.tokenCount + maxTokens <= worker.maxSequenceTokens
  }
}
