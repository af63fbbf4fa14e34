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
  /// Those of layers with a window.
  let localAngles: RotaryAngles
  /// What attention or the feed-forward network gives, where it is normalised before it is added.
  let branch: FloatRows
  let outputNormalized: ActivationRows
  let logits: FloatRows

  /// Memory that all of them take.
  var byteCount: Int {
    let rows = [hidden, queries, keys, values, gate, up, branch, logits]
    let activations = [normalized, attention, gated, outputNormalized]
    return rows.reduce(0) { $0 + $1.byteCount } + activations.reduce(0) { $0 + $1.byteCount }
      + angles.byteCount + (localAngles === angles ? 0 : localAngles.byteCount)
  }

  init(
    _ configuration: ModelConfiguration,
    _ weights: ModelWeights,
    _ settings: RunnerSettings
  ) throws(MeshError) {
    let rows = settings.maxBatchTokens
    let logitsRows = settings.logitsLimit
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
      frequencies: configuration.rotary.frequencies(factors: weights.rotaryFactors),
      magnitude: configuration.rotary.magnitude,
      rowCapacity: rows
    )
    localAngles =
      configuration.localRotary == configuration.rotary
      ? angles
      : try RotaryAngles(
        frequencies: configuration.localRotary.frequencies(),
        magnitude: configuration.localRotary.magnitude,
        rowCapacity: rows
      )
    branch = try FloatRows(
      rowCapacity: configuration.architecture.hasPostNorms ? rows : 0,
      width: width
    )
    outputNormalized = try ActivationRows(
      rowCapacity: logitsRows,
      width: width,
      isQuantized: weights.output.isQuantized
    )
    logits = try FloatRows(rowCapacity: logitsRows, width: configuration.vocabularySize)
  }
}
