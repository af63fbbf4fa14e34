import MeshProtos
import MeshTypes
import Scheduling

/// All cases of one variant of the store, in random order, with a cost model that learns from
/// nothing but what it chose, as the scheduler's does.
struct VariantRun {
  let variant: StoreVariant
  let store: StoreProcess
  let worker: WorkerLink
  let computations: Computations
  let options: TransferBenchmark.Cases

  /// Where fetched blocks go: behind those that were computed.
  static let firstBlock = 512

  private var model = TransferModel()

  init(
    variant: StoreVariant,
    store: StoreProcess,
    worker: WorkerLink,
    computations: Computations,
    options: TransferBenchmark.Cases
  ) {
    self.variant = variant
    self.store = store
    self.worker = worker
    self.computations = computations
    self.options = options
  }

  /// Blocks in memory can be fetched again; those on disk are fetched once, for then they are in
  /// memory.
  private func series(of sample: Sample) -> UInt64 {
    variant.tier == .memory ? Sample.shared.series : sample.series
  }

  mutating func run(using random: inout some RandomNumberGenerator) async throws -> [Case] {
    try await connect()
    for sample in options.warmUp {
      let keys = sampleKeys(sample.blocks, series: series(of: sample))
      _ = try await store.lookup(keys, prefetch: options.prefetch)
      teach(try await worker.fetch(keys, firstBlock: Self.firstBlock).result)
      computations.any(tokens: sample.tokens, using: &random)?.teach(&model)
    }
    var cases: [Case] = []
    for sample in options.samples.shuffled(using: &random) {
      cases.append(try await run(sample, using: &random))
    }
    return cases
  }

  /// Fetches until the worker has found the store.
  private func connect() async throws {
    let sample = Sample.connecting
    let keys = sampleKeys(sample.blocks, series: series(of: sample))
    for _ in 0..<300 {
      let (result, _) = try await worker.fetch(keys, firstBlock: Self.firstBlock)
      if result.loadedBlocks == keys.count { return }
      try await Task.sleep(for: .milliseconds(100))
    }
    throw MeshError(.unavailable, "the worker does not find the store")
  }

  private mutating func run(
    _ sample: Sample,
    using random: inout some RandomNumberGenerator
  ) async throws -> Case {
    let keys = sampleKeys(sample.blocks, series: series(of: sample))
    let stored = try await store.lookup(keys, prefetch: options.prefetch)
    let plan = model.planFetch(
      stored,
      hitBlocks: 0,
      usableBlocks: sample.blocks,
      blockBytes: TransferBenchmark.blockBytes,
      blockSize: WorkerLink.blockTokens,
      chunk: TransferBenchmark.chunk,
      queued: .init()
    )
    guard let decision = plan.decision else {
      throw MeshError(.internalError, "the model had nothing to decide")
    }
    let (result, milliseconds) = try await worker.fetch(keys, firstBlock: Self.firstBlock)
    let bytes = keys.count * TransferBenchmark.blockBytes
    let computing = computations.milliseconds(tokens: sample.tokens)
    let missed = sample.blocks - Int(result.loadedBlocks)
    let outcome = Case(
      tokens: sample.tokens,
      // What does not come in time is computed.
      fetchMilliseconds: milliseconds + computing * Double(missed) / Double(sample.blocks),
      missedBlocks: missed,
      computeMilliseconds: computing,
      decision: decision,
      expectedFetch: model.fetchMicroseconds(
        memoryBytes: variant.tier == .memory ? bytes : 0,
        diskBytes: variant.tier == .disk ? bytes : 0
      ) / 1000,
      toldFetch: stored.stretches.reduce(0) { $0 + $1.estimatedMicroseconds } / 1000,
      expectedCompute: model.computeMicroseconds(0..<sample.tokens, chunk: TransferBenchmark.chunk)
        / 1000
    )
    switch decision.action {
    case .fetch: teach(result)
    case .recompute:
      if decision.reason == .slower { model.forgetFetching() }
      computations.any(tokens: sample.tokens, using: &random)?.teach(&model)
    }
    return outcome
  }

  private mutating func teach(_ result: WorkerLink.LoadResult) {
    model.observeLoad(
      memoryBytes: Int(result.memoryBytes),
      diskBytes: Int(result.diskBytes),
      microseconds: Double(result.microseconds)
    )
  }
}
