import Kernels
import MeshTypes

/// All activation memory of a step, made once for the largest batch.
struct StepBuffers {
  /// The residual stream.
  let hidden: FloatRows
  let normalized: ActivationRows
  let queries: FloatRows
  let keys: FloatRows
  let values: FloatRows
  let attention: ActivationRows
  let gate: FloatRows
  let up: FloatRows
  let gated: ActivationRows
  let angles: RotaryAngles
  let outputNormalized: ActivationRows
  let logits: FloatRows

  init(
    _ configuration: ModelConfiguration,
    _ weights: ModelWeights,
    _ settings: RunnerSettings
  ) throws(MeshError) {
    let rows = settings.maxBatchTokens
    let logitsRows = min(settings.maxLogitsRows, rows)
    let width = configuration.width
    let layers = weights.layers
    hidden = try FloatRows(rowCapacity: rows, width: width)
    normalized = try ActivationRows(
      rowCapacity: rows,
      width: width,
      isQuantized: layers.contains {
        [$0.query, $0.key, $0.value, $0.gate, $0.up].contains(where: \.isQuantized)
      }
    )
    queries = try FloatRows(rowCapacity: rows, width: configuration.queryWidth)
    keys = try FloatRows(rowCapacity: rows, width: configuration.kvWidth)
    values = try FloatRows(rowCapacity: rows, width: configuration.kvWidth)
    attention = try ActivationRows(
      rowCapacity: rows,
      width: configuration.queryWidth,
      isQuantized: layers.contains(where: \.attentionOutput.isQuantized)
    )
    gate = try FloatRows(rowCapacity: rows, width: configuration.feedForwardWidth)
    up = try FloatRows(rowCapacity: rows, width: configuration.feedForwardWidth)
    gated = try ActivationRows(
      rowCapacity: rows,
      width: configuration.feedForwardWidth,
      isQuantized: layers.contains(where: \.down.isQuantized)
    )
    angles = try RotaryAngles(
      frequencies: rotaryFrequencies(configuration, factors: weights.rotaryFactors),
      rowCapacity: rows
    )
    outputNormalized = try ActivationRows(
      rowCapacity: logitsRows,
      width: width,
      isQuantized: weights.output.isQuantized
    )
    logits = try FloatRows(rowCapacity: logitsRows, width: configuration.vocabularySize)
  }
}
