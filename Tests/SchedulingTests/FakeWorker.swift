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
    var promptTokenCount: Int
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
        promptTokenCount: start.promptTokenCount,
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
    for slice in slices { try write(slice) }
    try putAsComputed(plan.stores, by: slices)
    for slice in slices { try read(slice, &result) }
    return result
  }

  private mutating func write(_ slice: PlannedSlice) throws {
    guard var sequence = sequences[slice.sequence] else {
      throw Violation(description: "\(slice.sequence) has a slice but never started")
    }
    sequence.table += slice.newBlocks
    sequences[slice.sequence]?.table = sequence.table
    let end = slice.startPosition + slice.tokenCount
    try require(slice.tokenCount > 0, "a slice computes something")
    try require(end <= sequence.tokens.count, "\(slice.sequence) computes tokens it has not")
    try require(
      end <= sequence.table.count * capabilities.blockSizeTokens,
      "\(slice.sequence) lacks blocks"
    )
    try require(end < capabilities.maxContextTokens, "the context is kept")
    for position in slice.startPosition..<end {
      memory[slot(position, sequence.table)] = sequence.states[position]
    }
  }

  private mutating func read(_ slice: PlannedSlice, _ result: inout StepResult) throws {
    guard let sequence = sequences[slice.sequence] else { return }
    let end = slice.startPosition + slice.tokenCount
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
    let token = FakeModel.nextToken(after: sequence.states[end - 1], seed: sequence.seed)
    sequences[slice.sequence]?.append(token)
    result.sampled.append(SampledToken(sequence: slice.sequence, tokenID: token))
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
