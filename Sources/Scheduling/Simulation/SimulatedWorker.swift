import BlockCache
import MeshTypes
package import Scheduling

/// A worker that trusts no plan: it checks block tables, positions, the budget, and that every
/// position is computed on exactly the context that the sequence's own tokens make.
package struct SimulatedWorker {
  /// What a plan brought about.
  package struct Execution {
    /// What is reported when the step is over.
    package var result: StepResult
    /// Full blocks that were copied away for the store, each with what its slots hold.
    var puts: [(store: BlockStore, contents: [[UInt32]])] = []
    var loads: [BlockLoad] = []
    var cancelledLoads: [LoadID] = []
    /// Whether a request killed it: there is no result.
    var isFatal = false
  }

  let capabilities: WorkerCapabilities
  let guesses: SimulatedGuesses
  var memory: SimulatedMemory
  var sequences: [SequenceID: SimulatedSequence] = [:]
  private(set) var loads: [LoadID: BlockLoad] = [:]
  /// How the step's sequences are guessed to go on.
  var drafts: [SequenceID: [TokenID]] = [:]
  private var lastStep: UInt64 = 0
  private var lastStore: UInt64 = 0

  /// A worker whose memory is empty.
  package init(_ capabilities: WorkerCapabilities, guesses: SimulatedGuesses = .init()) {
    self.capabilities = capabilities
    self.guesses = guesses
    memory = SimulatedMemory(
      blockCount: capabilities.blockCount,
      blockSize: capabilities.blockSizeTokens
    )
  }

  /// A new membership: nothing of the former one is known, and its loads have stopped.
  mutating func begin() { self = Self(capabilities, guesses: guesses) }

  /// Executes the next plan.
  ///
  /// - Throws: ``SimulationViolation`` if no worker could execute it rightly.
  package mutating func execute(_ plan: StepPlan) throws(SimulationViolation) -> Execution {
    try require(plan.step.rawValue == lastStep + 1, "steps are not numbered through")
    lastStep += 1
    for id in plan.releases {
      guard let sequence = sequences.removeValue(forKey: id) else {
        throw SimulationViolation("released sequence \(id.rawValue) is unknown")
      }
      memory.letGo(sequence.table)
    }
    var execution = Execution(result: StepResult(epoch: plan.epoch, step: plan.step))
    for store in plan.stores {
      try require(store.number == lastStore + 1, "stores are not numbered through")
      lastStore += 1
      if !store.isAsComputed { try put(store, &execution) }
    }
    for copy in plan.copies { try memory.make(copy) }
    execution.cancelledLoads = plan.cancelledLoads
    for load in plan.loads { try begin(load) }
    execution.loads = plan.loads
    for start in plan.starts {
      try require(sequences[start.id] == nil, "started \(start.id.rawValue) is known already")
      sequences[start.id] = SimulatedSequence(start, blockSize: capabilities.blockSizeTokens)
    }
    try compute(plan, &execution)
    return execution
  }

  private mutating func compute(
    _ plan: StepPlan,
    _ execution: inout Execution
  ) throws(SimulationViolation) {
    try require(plan.tokenCount <= capabilities.maxBatchTokens, "the token budget is not kept")
    try require(plan.slices.count <= capabilities.maxBatchSequences, "the batch is too large")
    let ids = Set(plan.slices.map(\.sequence))
    try require(ids.count == plan.slices.count, "a sequence has two slices")
    for slice in plan.slices {
      sequences[slice.sequence]?.table += plan.newBlocks(of: slice)
      memory.hold(plan.newBlocks(of: slice))
    }
    // As on a device, all slices of a step write before any of them reads.
    drafts.removeAll(keepingCapacity: true)
    for slice in plan.slices { try write(slice) }
    execution.result.draftedTokens = drafts.values.reduce(0) { $0 + $1.count }
    for store in plan.stores where store.isAsComputed { try put(store, &execution) }
    for slice in plan.slices { try read(slice, &execution) }
  }

  private mutating func write(_ slice: PlannedSlice) throws(SimulationViolation) {
    guard let sequence = sequences[slice.sequence] else {
      throw SimulationViolation("sequence \(slice.sequence.rawValue) has a slice but never started")
    }
    guard !sequence.hasFailed else { return }
    try require(slice.tokenCount > 0, "a slice computes nothing")
    let start = try beginning(of: slice, sequence)
    let end = start + slice.tokenCount
    try require(end <= sequence.tokens.count, "a slice computes tokens that are not known")
    try require(
      end + (slice.draftLimit ?? 0) <= sequence.table.count * capabilities.blockSizeTokens,
      "sequence \(slice.sequence.rawValue) lacks blocks"
    )
    try require(
      end + (slice.draftLimit ?? 0) < capabilities.maxContextTokens,
      "the context is exceeded"
    )
    try memory.write(start..<end, of: sequence)
    if let limit = slice.draftLimit { try draft(slice.sequence, limit: limit) }
  }

  private mutating func read(
    _ slice: PlannedSlice,
    _ execution: inout Execution
  ) throws(SimulationViolation) {
    guard try sample(slice, &execution) else { return }
    // As long as each draft is what was sampled at its position.
    for draft in drafts[slice.sequence] ?? [] {
      guard let sequence = sequences[slice.sequence], sequence.tokens.last == draft else { return }
      let position = sequence.tokens.count - 1
      try memory.write(position..<position + 1, of: sequence)
      guard try sample(slice, &execution) else {
        return memory.void(position..<position + 1, of: sequence)
      }
    }
  }

  /// Checks the context of a slice's last position, or of a draft, and samples what follows.
  ///
  /// - Returns: Whether there is a token.
  private mutating func sample(
    _ slice: PlannedSlice,
    _ execution: inout Execution
  ) throws(SimulationViolation) -> Bool {
    guard let sequence = sequences[slice.sequence], !sequence.hasFailed else { return false }
    let isOpen = slice.draftLimit != nil
    let end = isOpen ? sequence.tokens.count : slice.startPosition + slice.tokenCount
    try memory.read(to: end, of: sequence)
    try require(
      end == sequence.tokens.count || !slice.samples,
      "a slice samples before the end"
    )
    guard slice.samples else { return false }
    let seed = sequence.seed
    if end + 1 >= seed.naturalLength, seed.flaw != .none {
      fail(slice.sequence, seed.flaw, &execution)
      return false
    }
    let token = SimulatedModel.token(at: end, after: sequence.state, seed)
    sequences[slice.sequence]?.append(token)
    execution.result.sampled.append(SampledToken(sequence: slice.sequence, tokenID: token))
    return true
  }

  private mutating func fail(
    _ id: SequenceID,
    _ flaw: RequestFlaw,
    _ execution: inout Execution
  ) {
    guard flaw == .fails else {
      execution.isFatal = true
      return
    }
    // What fails at a draft will fail again where it is none: the tokens before it are good.
    if execution.result.sampled.last?.sequence == id { return }
    sequences[id]?.hasFailed = true
    let error = MeshError(.invalidArgument, "the request is flawed")
    execution.result.failures.append(SequenceFailure(sequence: id, error: error))
  }

  // MARK: The KV store

  private func put(
    _ store: BlockStore,
    _ execution: inout Execution
  ) throws(SimulationViolation) {
    var contents: [[UInt32]] = []
    for id in store.blocks {
      let block = memory[id]
      let isFull = block.filledCount == capabilities.blockSizeTokens && !block.isLoading
      // What is stored as it is computed is not there if the request failed.
      if !isFull, store.isAsComputed { return }
      try require(isFull, "a block is stored before it is full")
      contents.append(memory.content(of: id))
    }
    execution.puts.append((store, contents))
  }

  private mutating func begin(_ load: BlockLoad) throws(SimulationViolation) {
    try require(loads[load.id] == nil, "a load begins twice")
    try require(load.blocks.count == load.keys.count && !load.keys.isEmpty, "a load is empty")
    for block in load.blocks { try memory.beginLoad(block) }
    loads[load.id] = load
  }

  /// Ends a load.
  ///
  /// - Parameter contents: What came, for the leading blocks.
  mutating func endLoad(_ id: LoadID, _ contents: [[UInt32]]) {
    guard let load = loads.removeValue(forKey: id) else { return }
    for (place, block) in load.blocks.enumerated() {
      memory.endLoad(block, place < contents.count ? contents[place] : nil)
    }
  }
}
