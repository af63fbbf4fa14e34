import Kernels
import ModelFiles
import Transformer

/// The matrix products of all layers of a model, with weights of the same shapes.
struct LayerProducts {
  private struct Layer {
    var query, key, value, output, gate, up, down: WeightMatrix

    var all: [WeightMatrix] { [query, key, value, output, gate, up, down] }
  }

  private let engine: KernelEngine
  private var layers: [Layer] = []
  private let hidden: ActivationRows
  private let gated: ActivationRows
  private let narrow: [FloatRows]
  private let wide: [FloatRows]
  private let sum: FloatRows
  private let attention: ActivationRows

  init(
    _ configuration: ModelConfiguration,
    type: TensorType,
    rowCapacity: Int,
    engine: KernelEngine
  ) throws {
    self.engine = engine
    let format = WeightFormat(ggmlType: type.ggmlType)!
    let width = configuration.width, feedForward = configuration.feedForwardWidth
    // Halves that are 0.06, whatever else the bytes are read as.
    let bytes = [UInt8](
      repeating: 0x2C,
      count: width * max(feedForward, configuration.queryWidth) * 4
    )
    func matrix(_ columns: Int, _ depth: Int) throws -> WeightMatrix {
      let count = columns * (depth / format.weightsPerBlock * format.bytesPerBlock)
      return try bytes.withUnsafeBytes {
        try WeightMatrix(
          packing: UnsafeRawBufferPointer(rebasing: $0[..<count]),
          format: format,
          columns: columns,
          depth: depth,
          engine: engine
        )
      }
    }
    for _ in 0..<configuration.layerCount {
      layers.append(
        Layer(
          query: try matrix(configuration.queryWidth, width),
          key: try matrix(configuration.kvWidth, width),
          value: try matrix(configuration.kvWidth, width),
          output: try matrix(width, configuration.queryWidth),
          gate: try matrix(feedForward, width),
          up: try matrix(feedForward, width),
          down: try matrix(width, feedForward)
        )
      )
    }
    let isQuantized = layers[0].gate.isQuantized
    func activations(_ width: Int) throws -> ActivationRows {
      try ActivationRows(rowCapacity: rowCapacity, width: width, isQuantized: isQuantized)
    }
    func rows(_ width: Int) throws -> FloatRows {
      try FloatRows(rowCapacity: rowCapacity, width: width)
    }
    hidden = try activations(width)
    gated = try activations(feedForward)
    attention = try activations(configuration.queryWidth)
    narrow = [
      try rows(configuration.queryWidth), try rows(configuration.kvWidth),
      try rows(configuration.kvWidth),
    ]
    wide = [try rows(feedForward), try rows(feedForward)]
    sum = try rows(width)
  }

  /// Bytes of the packed weights.
  var byteCount: Int { layers.flatMap(\.all).reduce(0) { $0 + $1.layout.byteCount } }

  /// Multiplications and additions.
  func operations(rowCount: Int) -> Double {
    layers.flatMap(\.all).reduce(0) { $0 + 2 * Double(rowCount * $1.columns * $1.depth) }
  }

  /// Computes all products as a step does.
  func multiply(rowCount: Int) {
    for layer in layers {
      engine.multiply(
        MatrixProduct(hidden, layer.query, into: narrow[0]),
        MatrixProduct(hidden, layer.key, into: narrow[1]),
        MatrixProduct(hidden, layer.value, into: narrow[2]),
        rowCount: rowCount
      )
      engine.multiply(MatrixProduct(attention, layer.output, into: sum), rowCount: rowCount)
      engine.multiply(
        MatrixProduct(hidden, layer.gate, into: wide[0]),
        MatrixProduct(hidden, layer.up, into: wide[1]),
        rowCount: rowCount
      )
      engine.multiply(MatrixProduct(gated, layer.down, into: sum), rowCount: rowCount)
    }
  }
}
