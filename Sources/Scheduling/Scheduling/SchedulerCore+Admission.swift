import BlockCache
package import MeshTypes

extension SchedulerCore {
  /// The most tokens, prompt and produced, that a sequence can have on the largest worker; nil
  /// when there is no worker.
  package var maxSequenceTokens: Int? {
    workers.lazy.map(\.capabilities.maxSequenceTokens).max()
  }

  /// Takes a sequence into the waiting queue. Without any worker it waits for one.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` for what is wrong in itself, `alreadyExists` for an
  ///   id in use, `outOfRange` naming the maximum for what no worker can ever hold,
  ///   `internalError` for a prompt that has killed workers, `deadlineExceeded` for what cannot end in
  ///   time, and `resourceExhausted` when the queue, or a tenant's part of it, is full.
  package mutating func submit(_ request: SequenceRequest) throws(MeshError) {
    try validate(request)
    guard sequences.slot(of: request.id) == nil else {
      throw MeshError(.alreadyExists, "sequence \(request.id.rawValue) runs already")
    }
    let tenant = TenantNamespace.name(ofSalt: request.cacheSalt)
    let turn = shares.turn(priority: request.priority, tenant: tenant)
    var sequence = InferenceSequence(request, turn: turn, arrival: nextArrival)
    if !workers.isEmpty {
      if let error = sizingError(of: sequence) { throw error }
      sequence.wasSized = true
    }
    try checkDeadline(of: &sequence)
    try checkQueue(for: tenant)
    nextArrival += 1
    counters.submitted += 1
    shares.charge(charge(for: sequence), turn: turn, priority: request.priority, tenant: tenant)
    let rank = sequence.rank
    let slot = sequences.insert(sequence)
    note(request.deadlineMicroseconds, of: request.id)
    waiting.insert(slot, rank: rank, promptTokens: request.promptTokenIDs.count)
    countWaiting(slot)
    // At once: the store may begin to bring blocks from its disk while the sequence waits.
    _ = awaitsStore(slot)
  }

  /// Tokens that a sequence is expected to cost: clients take more than they get.
  func charge(for sequence: InferenceSequence) -> Int {
    sequence.promptTokenCount + min(sequence.limits.maxTokens, settings.expectedTokens)
  }

  /// Ends a sequence, whatever its state, and frees its blocks at once. The worker is told by its
  /// next plan.
  ///
  /// - Returns: ``SequenceEvent/finished(_:_:_:)``, or nil if there is no such sequence (any more).
  package mutating func cancel(_ id: SequenceID) -> SequenceEvent? {
    guard let slot = sequences.slot(of: id) else { return nil }
    return finish(slot, .cancelled)
  }

  private func validate(_ request: SequenceRequest) throws(MeshError) {
    guard !request.promptTokenIDs.isEmpty else {
      throw .invalid("prompt_token_ids", "must have at least one token")
    }
    try SchedulerSettings.expect(request.limits.maxTokens, in: 1...Int(Int32.max), "max_tokens")
    try request.sampling.validate()
    guard !quarantine.contains(prompt: request.promptTokenIDs, salt: request.cacheSalt) else {
      throw MeshError(.internalError, "workers died while computing this very prompt")
    }
  }

  /// Why no present worker can ever run a sequence, if none can.
  func sizingError(of sequence: InferenceSequence) -> MeshError? {
    if workers.contains(where: { sequence.fits($0.capabilities) }) { return nil }
    let vocabularySize = workers.lazy.map(\.capabilities.vocabularySize).max() ?? 0
    guard Int(sequence.maxTokenID) < vocabularySize else {
      return .invalid(
        "prompt_token_ids",
        "must be below \(vocabularySize), got \(sequence.maxTokenID)"
      )
    }
    let most = maxSequenceTokens ?? 0
    let prompt = sequence.promptTokenCount
    guard prompt < most else {
      return MeshError(
        .outOfRange,
        "prompt_token_ids must be at most \(most - 1) tokens, got \(prompt)",
        field: "prompt_token_ids"
      )
    }
    let asked = sequence.limits.maxTokens
    return MeshError(
      .outOfRange,
      "max_tokens must be at most \(most - prompt) after \(prompt) prompt tokens, got \(asked)",
      field: "max_tokens"
    )
  }
}
