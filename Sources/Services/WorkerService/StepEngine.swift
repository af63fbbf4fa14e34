import GRPCCore
import Kernels
import MeshProtos
import MeshRuntime
import MeshTypes
import SwiftProtobuf
import Synchronization
import Transformer

/// Runs plans on the model, one after the other, on a thread of its own.
///
/// Steps of sequences that have begun allocate for nothing but the messages that plans and results
/// are.
///
/// Trusts no plan: every id, position and block is checked against what the worker has, and a slice
/// that is wrong fails its own sequence alone.
actor StepEngine {
  private let executor: DedicatedThreadExecutor
  private let runner: ModelRunner
  var sampler: ConstrainedSampler
  private let structures: StructureLibrary
  let maxBatchSequences: Int
  let blocks: KVBlocks
  var sequences: [UInt64: InferenceSequence] = [:]
  private var batch = StepBatch()
  private var epoch: UInt64 = 0
  private var call: UInt64 = 0
  /// Calls that have begun or are about to.
  private let begunCalls = Atomic<UInt64>(0)
  private(set) var transfers: BlockTransfers?
  /// When the step before ended, if sequences are left.
  private var idleSince: ContinuousClock.Instant?

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Takes over a loaded model.
  init(
    runner: ModelRunner,
    structures: StructureLibrary,
    maxBatchSequences: Int,
    executor: DedicatedThreadExecutor
  ) {
    self.runner = runner
    self.blocks = runner.kvMemory.blocks
    self.sampler = ConstrainedSampler(
      Sampler(vocabularySize: runner.configuration.vocabularySize)
    )
    self.structures = structures
    self.maxBatchSequences = maxBatchSequences
    self.executor = executor
  }

  /// Forgets all sequences; only plans of this call and `epoch` are run from now on. Loads of a former
  /// call have stopped writing when it returns.
  ///
  /// - Parameter transfers: What the call's loads and stores go to; nil without a KV store.
  /// - Returns: The call, for ``run(_:of:answer:)``: a former one may carry the same epoch.
  nonisolated func begin(epoch: UInt64, transfers: BlockTransfers? = nil) async -> UInt64 {
    // Told at once: the former call may have plans for hours.
    begunCalls.add(1, ordering: .relaxed)
    return await takeOver(epoch: epoch, transfers: transfers)
  }

  private func takeOver(epoch: UInt64, transfers: BlockTransfers?) -> UInt64 {
    self.transfers?.close()
    self.transfers = transfers
    self.epoch = epoch
    call += 1
    sequences.removeAll(keepingCapacity: true)
    idleSince = nil
    return call
  }

  var blockSizeTokens: Int { runner.settings.blockSizeTokens }

  /// Runs the plans that wait, one after the other, until none does or the task is cancelled.
  ///
  /// - Parameters:
  ///   - plans: The call's.
  ///   - call: What ``begin(epoch:transfers:)`` returned.
  ///   - answer: Takes each plan's result before the next plan is run.
  /// - Throws: ``MeshError`` `failedPrecondition` once another call has begun; `invalidArgument` for
  ///   a plan of another epoch or beyond the worker's limits.
  func run(
    _ plans: PlanQueue,
    of call: UInt64,
    answer: @Sendable (Weft_Worker_V1_ExecuteResponse) -> Void
  ) throws {
    while !Task.isCancelled, let plan = plans.next() {
      guard call == self.call, begunCalls.load(ordering: .relaxed) == call else {
        throw MeshError(.failedPrecondition, "epoch \(plan.epoch) is over", field: "epoch")
      }
      answer(try execute(plan))
    }
  }

  private func execute(
    _ plan: Weft_Worker_V1_ExecuteRequest
  ) throws -> Weft_Worker_V1_ExecuteResponse {
    guard plan.epoch == epoch else {
      throw MeshError.invalid("epoch", "must be the same in every plan of a call")
    }
    guard plan.slices.count <= maxBatchSequences else {
      throw MeshError.invalid(
        "slices",
        "must have at most \(maxBatchSequences) entries, got \(plan.slices.count)"
      )
    }
    try validate(plan.copies)
    let start = ContinuousClock.now
    var failures: [UInt64: MeshError] = [:]
    batch.begin(plan)
    for sequence in plan.releasedSequences { sequences[sequence] = nil }
    transfers?.begin(plan.stores)
    make(plan.copies)
    transfers?.begin(plan.loads, cancelling: plan.cancelledLoads)
    for start in plan.starts {
      do { try begin(start) } catch { failures[start.sequence] = error }
    }
    for slice in plan.slices where failures[slice.sequence] == nil {
      do {
        batch.append(try prepare(slice), of: slice.sequence)
      } catch {
        failures[slice.sequence] = error
      }
    }
    transfers?.compute { batch.slices.fullBlocks(ofTokens: runner.settings.blockSizeTokens) }
    defer { transfers?.endStep() }
    let sampled = try runBatch(&failures)
    for sequence in failures.keys { sequences[sequence] = nil }
    let idle = plan.slices.isEmpty ? nil : idleSince.map { start - $0 }
    let end = ContinuousClock.now
    idleSince = sequences.isEmpty ? nil : end
    return .with {
      $0.epoch = plan.epoch
      $0.step = plan.step
      $0.sampled = sampled
      $0.failures = failures.map { sequence, error in
        .with {
          $0.sequence = sequence
          $0.code = Int32(error.code.rpcErrorCode.rawValue)
          $0.message = error.message
        }
      }
      $0.computeMicroseconds = UInt64((end - start) / .microseconds(1))
      $0.idleMicroseconds = UInt64((idle ?? .zero) / .microseconds(1))
    }
  }

  private func begin(_ start: Weft_Worker_V1_SequenceStart) throws(MeshError) {
    let sampling = try SamplingParameters(start.sampling)
    try sampling.validate()
    guard sequences[start.sequence] == nil else {
      throw .invalid("starts.sequence", "\(start.sequence) has started already")
    }
    let contextLength = runner.configuration.contextLength
    guard (1...contextLength).contains(start.tokenIds.count) else {
      throw .invalid(
        "starts.token_ids",
        "must have 1...\(contextLength) entries, got \(start.tokenIds.count)"
      )
    }
    let vocabularySize = runner.configuration.vocabularySize
    if let wrong = start.tokenIds.first(where: { $0 >= vocabularySize }) {
      throw .invalid("starts.token_ids", "must be below \(vocabularySize), got \(wrong)")
    }
    sequences[start.sequence] = InferenceSequence(
      tokenIDs: start.tokenIds,
      sampling: sampling,
      tokenLimit: contextLength + 1,
      blockLimit: contextLength / runner.settings.blockSizeTokens + 1
    )
    try beginSampling(start)
  }

  /// Takes over what a sequence's sampling depends on besides its parameters, and has its grammar
  /// compiled while its prompt is computed.
  private func beginSampling(_ start: Weft_Worker_V1_SequenceStart) throws(MeshError) {
    let promptCount = start.tokenIds.count - Int(start.generatedTokenCount)
    guard promptCount >= 1 else {
      sequences[start.sequence] = nil
      throw .invalid(
        "starts.generated_token_count",
        "must be below \(start.tokenIds.count), got \(start.generatedTokenCount)"
      )
    }
    sequences[start.sequence]?.promptCount = promptCount
    sequences[start.sequence]?.stopTokenIDs = start.stopTokenIds
    if let source = sequences[start.sequence]?.sampling.structuredOutput {
      let structure = structures.structure(of: source)
      sequences[start.sequence]?.structure = SequenceStructure(structure)
    }
  }

  /// Extends the sequence's block table and checks what the slice asks for; the runner checks
  /// block ids and positions against its memory.
  private func prepare(
    _ slice: Weft_Worker_V1_SequenceSlice
  ) throws(MeshError) -> SequenceSlice {
    guard !batch.repeatedSequences.contains(slice.sequence) else {
      throw .invalid("slices.sequence", "\(slice.sequence) must be there once")
    }
    guard sequences[slice.sequence] != nil else {
      throw .invalid("slices.sequence", "\(slice.sequence) has not started")
    }
    sequences[slice.sequence]?.blockTable.append(
      contentsOf: slice.appendedBlocks.lazy.map { BlockID($0) }
    )
    guard let sequence = sequences[slice.sequence] else { preconditionFailure() }
    guard transfers?.isLoading(sequence.blockTable) != true else {
      throw .invalid("slices", "of \(slice.sequence) must not use blocks that are being loaded")
    }
    let first = Int(slice.startPosition)
    let end = first + Int(slice.tokenCount)
    guard slice.tokenCount >= 1, end <= sequence.tokenIDs.count else {
      throw .invalid(
        "slices.token_count",
        "must be in 1...\(max(0, sequence.tokenIDs.count - first)), got \(slice.tokenCount)"
      )
    }
    guard !slice.samples || end == sequence.tokenIDs.count else {
      throw .invalid("slices.samples", "must be false before the sequence's last token")
    }
    let prepared = SequenceSlice(
      tokenIDs: sequence.tokenIDs[first..<end],
      startPosition: first,
      blockTable: sequence.blockTable,
      logits: slice.samples ? .lastToken : .none
    )
    try runner.validate(prepared, "slices")
    return prepared
  }

  /// Computes the batch, samples, and appends what it sampled to the sequences.
  private func runBatch(
    _ failures: inout [UInt64: MeshError]
  ) throws(MeshError) -> [Weft_Worker_V1_SampledToken] {
    guard !batch.slices.isEmpty else { return [] }
    let logits = try runner.step(batch.slices) { transfers?.didCompute(layer: $0) }
    batch.release()
    var sampled: [Weft_Worker_V1_SampledToken] = []
    sampled.reserveCapacity(batch.samples.count)
    for (row, sequence) in batch.samples.enumerated() {
      do throws(MeshError) {
        sampled.append(try sample(logits, row: row, for: sequence))
      } catch {
        failures[sequence] = error
      }
    }
    return sampled
  }
}

extension [SequenceSlice] {
  /// The blocks that are full once these have been computed, and were not before.
  fileprivate func fullBlocks(ofTokens blockSize: Int) -> Set<BlockID> {
    reduce(into: []) { blocks, slice in
      let end = slice.startPosition + slice.tokenIDs.count
      blocks.formUnion(slice.blockTable[slice.startPosition / blockSize..<end / blockSize])
    }
  }
}
