package import MeshTypes
package import Scheduling

/// How a simulated request ended.
package enum RequestOutcome: Hashable, Sendable {
  /// With the tokens that an undisturbed run gives.
  case answered
  /// The client took it back.
  case cancelled
  /// With a typed error.
  case failed(MeshError.Code)
}

/// A request at the gateway: the tokens received so far, and how far they are from being right.
package struct SimulatedClient {
  let number: Int
  let request: SimulatedRequest
  /// What its tokens depend on besides the prompt.
  package let seed: SimulatedSeed
  private(set) var received: [TokenID] = []
  /// The state after prompt and received tokens.
  private var state = SimulatedModel.initialState
  /// The sequence that runs for it, and the scheduler's life that it belongs to.
  var sequence: (life: Int, id: SequenceID)?
  /// Prompts handed in, and attempts that found nobody.
  private var submissions = 0
  var attempts = 0
  /// How it ended, if it has.
  package private(set) var outcome: RequestOutcome?
  private(set) var firstTokenTime: Int?
  private(set) var endTime: Int?
  /// The longest time between two tokens.
  private(set) var longestGap = 0
  private var lastTokenTime: Int?
  /// Of all its submissions.
  private(set) var preemptions = 0

  /// A client that has not been heard yet.
  package init(_ request: SimulatedRequest, number: Int) {
    self.number = number
    self.request = request
    seed = SimulatedSeed(
      number: number,
      naturalLength: request.prompt.tokenCount + request.naturalTokens,
      flaw: request.flaw
    )
  }

  var name: String { "request \(number)" }

  /// Why it is over, if all tokens are there: a scheduler may be lost between its last token and the
  /// word that it was the last.
  var completedReason: FinishReason? {
    if received.last == SimulatedModel.stopToken { return .stop }
    return received.count >= request.maxTokens ? .length : nil
  }

  /// What the gateway submits: the prompt and what has come of the answer, as a new prompt.
  ///
  /// - Parameter deadline: As the scheduler's clock tells.
  package mutating func submission(
    id: SequenceID,
    deadlineMicroseconds deadline: Int? = nil
  ) -> SequenceRequest {
    let prompt = request.prompt.tokenIDs
    if submissions == 0 { state = prompt.reduce(state) { SimulatedModel.advance($0, by: $1) } }
    submissions += 1
    return SequenceRequest(
      id: id,
      promptTokenIDs: prompt + received,
      sampling: SamplingParameters(seed: seed.rawValue),
      limits: GenerationLimits(
        maxTokens: request.maxTokens - received.count,
        stopTokenIDs: [SimulatedModel.stopToken]
      ),
      priority: request.priority,
      cacheSalt: request.tenant == 0 ? [] : [UInt8(truncatingIfNeeded: request.tenant)],
      deadlineMicroseconds: deadline
    )
  }

  /// Takes the next token, which must be the one that an undisturbed run has there.
  package mutating func receive(_ token: TokenID, at time: Int) throws(SimulationViolation) {
    try require(outcome == nil, "\(name) gets a token after its end")
    try require(completedReason == nil, "\(name) gets a token after its last")
    let position = request.prompt.tokenCount + received.count
    let expected = SimulatedModel.token(at: position, after: state, seed)
    try require(
      token == expected,
      "\(name) gets token \(token) at \(received.count), but \(expected) undisturbed"
    )
    received.append(token)
    state = SimulatedModel.advance(state, by: token)
    if firstTokenTime == nil { firstTokenTime = time }
    longestGap = max(longestGap, time - (lastTokenTime ?? time))
    lastTokenTime = time
  }

  /// Takes the word that all is said.
  package mutating func finish(
    _ reason: FinishReason,
    _ usage: SequenceUsage,
    at time: Int
  ) throws(SimulationViolation) {
    preemptions += usage.preemptions
    guard reason != .cancelled else { return end(.cancelled, at: time) }
    try require(reason == completedReason, "\(name) ends by \(reason) after \(received.count)")
    end(.answered, at: time)
  }

  mutating func end(_ outcome: RequestOutcome, at time: Int) {
    guard self.outcome == nil else { return }
    self.outcome = outcome
    endTime = time
    sequence = nil
  }
}
