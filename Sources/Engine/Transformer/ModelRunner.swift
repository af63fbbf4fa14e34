package import Kernels
package import MeshTypes
package import ModelFiles
import Synchronization

/// A loaded llama-architecture model with its KV memory: computes steps.
///
/// Every row of a step is computed in an order that depends on the model alone. So a token's logits
/// are the same bytes whatever else is in the batch, however its prompt was chunked, and on any number
/// of threads.
///
/// It may be passed between threads, but is used by one at a time: a step that starts during another
/// throws. All memory for steps is taken when it is made: a step allocates nothing.
package final class ModelRunner: @unchecked Sendable {
  package let configuration: ModelConfiguration
  package private(set) var settings: RunnerSettings
  /// The keys and values of all blocks.
  package private(set) var kvMemory: KVMemory

  let engine: KernelEngine
  let weights: ModelWeights
  let streamed: StreamedLayers?
  let buffers: StepBuffers
  let rows: StepRows
  private let isStepping = Atomic(false)

  /// Where the weights came from.
  package let weightsOrigin: WeightsOrigin
  /// The model's digest, where packed weights say it; else the file has to be read for it.
  package let knownDigest: [UInt8]?

  /// Loads the weights and takes all memory.
  ///
  /// - Parameters:
  ///   - file: Not needed any more afterwards.
  ///   - weightsSettings: Where its weights are kept.
  ///   - progress: Called now and then.
  /// - Throws: ``MeshError`` naming the metadata key, tensor or setting at fault, or
  ///   `resourceExhausted` when there is not enough memory.
  package init(
    file: any ModelSource,
    settings: RunnerSettings,
    weightsSettings: WeightsSettings = WeightsSettings(),
    progress: ((LoadingProgress) -> Void)? = nil
  ) throws(MeshError) {
    try settings.validate()
    self.settings = settings
    configuration = try ModelConfiguration(file: file)
    engine = try KernelEngine(
      threadCount: settings.threadCount,
      instructionSet: settings.instructionSet,
      pins: settings.pins
    )
    let loaded = try WeightsLoader(
      file: file,
      configuration: configuration,
      engine: engine,
      settings: weightsSettings,
      progress: progress
    ).load()
    weights = loaded.weights
    streamed = loaded.streamed
    weightsOrigin = loaded.origin
    knownDigest = loaded.digest
    buffers = try StepBuffers(configuration, weights, settings)
    rows = StepRows(settings, contextLength: configuration.contextLength)
    kvMemory = try KVMemory(
      layout: configuration.kvLayout(
        blockSizeTokens: settings.blockSizeTokens,
        type: settings.kvType
      ),
      blockCount: settings.blockCount,
      engine: engine
    )
  }

  /// Gives KV memory another number of blocks; what the former ones held is lost. To be called before
  /// anyone uses ``kvMemory``, such as when ``profile(measure:)`` has shown how much memory is left.
  ///
  /// - Throws: ``MeshError`` as ``init(file:settings:progress:)``.
  package func replaceKVMemory(blockCount: Int) throws(MeshError) {
    kvMemory = try KVMemory(layout: kvMemory.layout, blockCount: blockCount, engine: engine)
    settings.blockCount = blockCount
    rows.reserve(settings, contextLength: configuration.contextLength)
  }

  /// The kernels' name, for logs.
  package var instructionSetName: String { engine.instructionSetName }

  /// Bytes of the buffers for a step's activations, whether or not they have been touched.
  package var activationByteCount: Int { buffers.byteCount }

  /// Bytes of the packed weights, whether or not they are all in memory.
  package var weightsByteCount: Int { weights.byteCount }

  /// Layers whose weights stay in memory.
  package var residentLayerCount: Int {
    streamed?.resident.layerCount ?? configuration.layerCount
  }

  /// Computes one batch: writes the keys and values of all tokens, and the logits that slices ask for.
  ///
  /// - Parameters:
  ///   - slices: At least one, each of another sequence. No two write to the same block.
  ///   - didStore: Called with each layer in turn, once its keys and values are written; the step
  ///     waits meanwhile.
  /// - Returns: The logits, slice after slice; they stand until the next step.
  /// - Throws: ``MeshError`` `invalidArgument` or `outOfRange` naming the field of the slice at fault,
  ///   before anything is written; `failedPrecondition` during another step; `unavailable` or
  ///   `corrupted` when a layer's weights cannot be read from disk: what was written to blocks is then
  ///   of no use, and the step may be tried again.
  package func step(
    _ slices: [SequenceSlice],
    didStore: (_ layer: Int) -> Void = { _ in }
  ) throws(MeshError) -> StepLogits {
    try step(slices, layers: weights.layers.indices, didStore)
  }

  /// A step through some of the layers only: what it computes is worth nothing but the time that it
  /// takes.
  func step(
    _ slices: [SequenceSlice],
    layers: Range<Int>,
    _ didStore: (_ layer: Int) -> Void = { _ in }
  ) throws(MeshError) -> StepLogits {
    guard !isStepping.exchange(true, ordering: .acquiring) else {
      throw MeshError(.failedPrecondition, "another step is in progress")
    }
    defer { isStepping.store(false, ordering: .releasing) }
    try validate(slices)
    return try compute(slices, layers: layers, didStore)
  }
}

/// Rows of logits of a step, slice after slice; valid until the next step.
package struct StepLogits {
  private let rows: FloatRows
  package let rowCount: Int

  init(rows: FloatRows, rowCount: Int) {
    self.rows = rows
    self.rowCount = rowCount
  }

  /// One value per entry of the vocabulary.
  package func withRow<R, E: Error>(
    _ row: Int,
    _ body: (Span<Float>) throws(E) -> R
  ) throws(E) -> R {
    precondition(0..<rowCount ~= row, "row \(row) of \(rowCount)")
    return try rows.withRow(row, body)
  }
}

extension ModelConfiguration {
  /// The sizes of a KV block.
  package func kvLayout(blockSizeTokens: Int, type: KVType = .f16) -> KVMemory.Layout {
    KVMemory.Layout(
      layerCount: layerCount,
      kvHeadCount: kvHeadCount,
      headDimension: headDimension,
      blockSizeTokens: blockSizeTokens,
      type: type
    )
  }
}
