import BlockCache
import MeshTypes
import Scheduling

/// A worker that executes plans on the fake model and trusts none of them: each slot of its KV
/// memory remembers which token history wrote it, and every position that a slice reads must have
/// been written by exactly the sequence's own history.
struct FakeWorker {
  struct Violation: Error, CustomStringConvertible {
    var description: String
  }

  struct KnownSequence {
    var tokens: [TokenID]
    /// `states[p]` is the history of positions 0...p.
    var states: [UInt64]
    var table: [BlockID] = []
    var seed: UInt64
    /// Plans made before the failure was known still have slices of it; they do nothing.
    var hasFailed = false

    mutating func append(_ token: TokenID) {
      tokens.append(token)
      states.append(FakeModel.advance(states.last ?? 1, by: token))
    }
  }

  let capabilities: WorkerCapabilities
  var sequences: [SequenceID: KnownSequence] = [:]
  /// By block and slot: the history that was written there.
  var memory: [UInt64?]
  var lastStep = StepID(0)
  /// How the step's sequences are guessed to go on.
  private var drafts: [SequenceID: [TokenID]] = [:]
  /// How many drafts of 16 are right.
  var rightDrafts: UInt64 = 10
  /// Sequences that fail wherever they are computed.
  var poison: Set<SequenceID> = []
  var largestBatchTokens = 0
  /// The KV store, as a place that all workers of a mesh share.
  let store: FakeStore
  /// Loads that have begun and not ended. Their blocks hold nothing that anyone may read.
  private(set) var loads: [LoadID: BlockLoad] = [:]
  private(set) var cancelledLoads: Set<LoadID> = []
  var lastStore: UInt64 = 0
  var copyCount = 0

  init(_ capabilities: WorkerCapabilities, store: FakeStore = FakeStore()) {
    self.capabilities = capabilities
    self.store = store
    memory = Array(repeating: nil, count: capabilities.blockCount * capabilities.blockSizeTokens)
  }

  mutating func execute(_ plan: StepPlan) throws -> StepResult {
    try require(plan.step.rawValue == lastStep.rawValue + 1, "steps are numbered through")
    lastStep = plan.step
    for id in plan.releases {
      try require(sequences.removeValue(forKey: id) != nil, "released \(id) is unknown")
    }
    try beginTransfers(of: plan)
    for start in plan.starts {
      try require(sequences[start.id] == nil, "started \(start.id) is known already")
      var states: [UInt64] = []
      for token in start.tokenIDs {
        states.append(FakeModel.advance(states.last ?? 1, by: token))
      }
      sequences[start.id] = KnownSequence(
        tokens: start.tokenIDs,
        states: states,
        seed: start.sampling.seed
      )
    }
    try require(plan.tokenCount <= capabilities.maxBatchTokens, "the token budget is kept")
    try require(plan.slices.count <= capabilities.maxBatchSequences, "the batch size is kept")
    try require(
      Set(plan.slices.map(\.sequence)).count == plan.slices.count,
      "one slice a sequence"
    )
    largestBatchTokens = max(largestBatchTokens, plan.tokenCount)
    var result = StepResult(epoch: plan.epoch, step: plan.step)
    // As on a device, all slices of a step write before any of them reads.
    let slices = plan.slices.filter { sequences[$0.sequence]?.hasFailed != true }
    drafts = [:]
    for slice in slices { try write(slice, plan.newBlocks(of: slice)) }
    result.draftedTokens = drafts.values.reduce(0) { $0 + $1.count }
    try putAsComputed(plan.stores, by: slices)
    for slice in slices { try read(slice, &result) }
    return result
  }

  private mutating func write(_ slice: PlannedSlice, _ newBlocks: ArraySlice<BlockID>) throws {
    guard var sequence = sequences[slice.sequence] else {
      throw Violation(description: "\(slice.sequence) has a slice but never started")
    }
    sequence.table += newBlocks
    sequences[slice.sequence]?.table = sequence.table
    try require(slice.tokenCount > 0, "a slice computes something")
    let (start, limit) = try begin(of: slice, sequence)
    try require(
      start + slice.tokenCount <= sequence.tokens.count,
      "\(slice.sequence) computes tokens it has not"
    )
    let draft = draft(of: sequence, limit: limit)
    for token in draft { sequence.append(token) }
    drafts[slice.sequence] = draft
    let end = start + slice.tokenCount + limit
    try require(
      end <= sequence.table.count * capabilities.blockSizeTokens,
      "\(slice.sequence) lacks blocks"
    )
    try require(end < capabilities.maxContextTokens, "the context is kept")
    for position in start..<start + slice.tokenCount + draft.count {
      memory[slot(position, sequence.table)] = sequence.states[position]
    }
  }

  /// Where a slice begins, and how many drafts it may have.
  private func begin(
    of slice: PlannedSlice,
    _ sequence: KnownSequence
  ) throws -> (start: Int, draftLimit: Int) {
    guard let limit = slice.draftLimit else { return (slice.startPosition, 0) }
    try require(slice.tokenCount == 1 && slice.samples, "only decoding sequences have drafts")
    let last = sequence.tokens.count - 1
    try require(slice.startPosition <= last, "\(slice.sequence) begins after its end")
    return (last, limit)
  }

  /// Some guesses, right or wrong as it happens.
  private func draft(of sequence: KnownSequence, limit: Int) -> [TokenID] {
    var state = sequence.states.last ?? 1
    var chance = FakeModel.advance(state, by: 1)
    return (0..<Int(chance % UInt64(limit + 1))).map { _ in
      let right = FakeModel.nextToken(after: state, seed: sequence.seed)
      chance = FakeModel.advance(chance, by: 2)
      let token = chance >> 32 % 16 < rightDrafts ? right : (right + 1) % 61
      state = FakeModel.advance(state, by: token)
      return token
    }
  }

  private mutating func read(_ slice: PlannedSlice, _ result: inout StepResult) throws {
    guard let sequence = sequences[slice.sequence] else { return }
    let start = try begin(of: slice, sequence).start
    let end = start + slice.tokenCount
    for position in 0..<end {
      try require(
        memory[slot(position, sequence.table)] == sequence.states[position],
        "\(slice.sequence) reads at \(position) what another history wrote"
      )
    }
    if poison.contains(slice.sequence) {
      sequences[slice.sequence]?.hasFailed = true
      let error = MeshError(.invalidArgument, "poison")
      result.failures.append(SequenceFailure(sequence: slice.sequence, error: error))
      return
    }
    guard slice.samples else { return }
    try require(end == sequence.tokens.count, "\(slice.sequence) samples before its end")
    var state = sequence.states[end - 1]
    for guess in (drafts[slice.sequence] ?? []).map(Optional.some) + [nil] {
      let token = FakeModel.nextToken(after: state, seed: sequence.seed)
      sequences[slice.sequence]?.append(token)
      result.sampled.append(SampledToken(sequence: slice.sequence, tokenID: token))
      guard token == guess else { break }
      state = FakeModel.advance(state, by: token)
    }
  }

  private func slot(_ position: Int, _ table: [BlockID]) -> Int {
    let block = Int(table[position / capabilities.blockSizeTokens].rawValue)
    return block * capabilities.blockSizeTokens + position % capabilities.blockSizeTokens
  }

  mutating func begin(_ load: BlockLoad) { loads[load.id] = load }
  mutating func cancel(_ id: LoadID) { cancelledLoads.insert(id) }

  mutating func take(_ id: LoadID) -> BlockLoad? {
    cancelledLoads.remove(id)
    return loads.removeValue(forKey: id)
  }

  func require(_ condition: Bool, _ rule: @autoclosure () -> String) throws {
    if !condition { throw Violation(description: "broken on \(capabilities.name): \(rule())") }
  }
}
