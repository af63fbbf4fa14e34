import MeshTypes

/// What came of a simulation.
package struct SimulationReport: Hashable, Sendable {
  /// How each request ended, in the order of arrival.
  package var outcomes: [RequestOutcome]
  /// The requests, by number, that ended with `deadlineExceeded` before their deadline.
  package var earlyRefusals: [Int]
  /// From arrival to first token of each request, in seconds; nil if there was none.
  package var firstTokens: [Double?]
  /// From arrival to first token, of requests that were answered, in seconds.
  package var firstTokenSeconds: Distribution
  /// The mean time of a token after the first, of requests that were answered, in seconds.
  package var tokenSeconds: Distribution
  /// The longest time between two tokens of each request that was answered, in seconds.
  package var longestGapSeconds: Distribution
  /// From the first arrival to the last answer.
  package var seconds: Double
  /// Tokens of all requests, whether or not they came to an end.
  package var outputTokens: Int
  /// The share of the workers' time that was spent computing.
  package var busyShare: Double
  /// The share of known tokens that were in the worker's memory at admission.
  package var prefixHitShare: Double
  /// The share of known tokens that were fetched from the KV store.
  package var fetchedShare: Double
  /// The share of positions held by block tables that hold no token.
  package var blockWaste: Double
  /// The same if every sequence held room for all tokens that it may have.
  package var contiguousWaste: Double
  /// Sequences on the workers, on average.
  package var meanSequences: Double
  /// Sequences that gave way to others.
  package var preemptions: Int
  /// The most that one request was preempted.
  package var mostPreemptions: Int
  /// Memberships that ended by loss.
  package var workerLosses: Int
  /// Faults that struck.
  package var faults: Int
  /// Reports of former members.
  package var staleReports: Int
  /// Drafts that were computed, and how many of them were right.
  package var draftedTokens: Int
  package var acceptedDraftTokens: Int
  /// Steps of all workers.
  package var steps: Int
  /// Positions computed by them.
  package var computedPositions: Int
  /// Copies of what one sequence had computed of a block for another one.
  package var copies: Int
  /// Positions in those copies, which nobody computed again.
  package var copiedPositions: Int

  init(
    _ measurements: SimulationMeasurements,
    clients: [SimulatedClient],
    busyMicroseconds: Int,
    workerCount: Int
  ) {
    outcomes = clients.map { $0.outcome ?? .failed(.internalError) }
    earlyRefusals = clients.indices.filter { clients[$0].wasRefusedEarly }
    firstTokens = clients.map(\.secondsToFirstToken)
    let answered = clients.filter { $0.outcome == .answered }
    firstTokenSeconds = Distribution(answered.compactMap(\.secondsToFirstToken))
    tokenSeconds = Distribution(answered.compactMap(\.secondsPerToken))
    longestGapSeconds = Distribution(answered.map { Double($0.longestGap) / 1e6 })
    let begin = clients.map(\.request.arrivalMicroseconds).min() ?? 0
    let end = clients.compactMap(\.endTime).max() ?? begin
    seconds = Double(end - begin) / 1e6
    outputTokens = clients.reduce(0) { $0 + $1.received.count }
    busyShare = Double(busyMicroseconds) / Double(max(1, end * workerCount))
    let queried = Double(max(1, measurements.queriedTokens))
    prefixHitShare = Double(measurements.hitTokens) / queried
    fetchedShare = Double(measurements.fetchedTokens) / queried
    let known = Double(measurements.knownTokens)
    blockWaste = 1 - known / Double(max(1, measurements.heldTokens))
    contiguousWaste = 1 - known / Double(max(1, measurements.reservedTokens))
    meanSequences = Double(measurements.presentSequences) / Double(max(1, measurements.samples))
    preemptions = Int(measurements.preemptions)
    mostPreemptions = clients.map(\.preemptions).max() ?? 0
    workerLosses = Int(measurements.workerLosses)
    faults = measurements.faults
    staleReports = measurements.staleReports
    draftedTokens = Int(measurements.draftedTokens)
    acceptedDraftTokens = Int(measurements.acceptedDraftTokens)
    steps = measurements.steps
    computedPositions = measurements.computedPositions
    copies = measurements.copies
    copiedPositions = measurements.copiedPositions
  }

  /// Output tokens a second.
  package var tokensPerSecond: Double { Double(outputTokens) / max(seconds, 1e-6) }

  /// How many requests ended so.
  package func count(_ outcome: RequestOutcome) -> Int { outcomes.count { $0 == outcome } }
}

/// Values by rank.
package struct Distribution: Hashable, Sendable {
  private let sorted: [Double]

  /// Ranks values.
  package init(_ values: [Double]) { sorted = values.sorted() }

  /// The mean; 0 of nothing.
  package var mean: Double {
    sorted.isEmpty ? 0 : sorted.reduce(0, +) / Double(sorted.count)
  }

  /// The least value that `percent` % of all do not exceed; 0 of nothing.
  package func percentile(_ percent: Double) -> Double {
    guard !sorted.isEmpty else { return 0 }
    let place = Int(percent / 100 * Double(sorted.count - 1) + 0.5)
    return sorted[min(max(0, place), sorted.count - 1)]
  }
}

extension SimulatedClient {
  fileprivate var wasRefusedEarly: Bool {
    guard outcome == .failed(.deadlineExceeded), let endTime else { return false }
    return endTime < request.arrivalMicroseconds + request.timeoutMicroseconds
  }

  var secondsToFirstToken: Double? {
    firstTokenTime.map { Double($0 - request.arrivalMicroseconds) / 1e6 }
  }

  var secondsPerToken: Double? {
    guard let firstTokenTime, let endTime, received.count > 1 else { return nil }
    return Double(endTime - firstTokenTime) / 1e6 / Double(received.count - 1)
  }
}
