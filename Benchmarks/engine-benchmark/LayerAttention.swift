import Kernels
import MeshTypes
import Transformer

/// Attention of all layers of a model for rows of one sequence, whose keys and values are zeroes.
struct LayerAttention {
  static let rowCapacity = 512

  private let engine: KernelEngine
  private let configuration: ModelConfiguration
  private let memory: KVMemory
  private let queries: FloatRows
  private let output: ActivationRows

  init(
    _ configuration: ModelConfiguration,
    type: KVType,
    positionCapacity: Int,
    engine: KernelEngine
  ) throws {
    self.engine = engine
    self.configuration = configuration
    let layout = configuration.kvLayout(blockSizeTokens: 16, type: type)
    memory = try KVMemory(layout: layout, blockCount: positionCapacity / 16 + 1, engine: engine)
    queries = try FloatRows(rowCapacity: Self.rowCapacity, width: configuration.queryWidth)
    output = try ActivationRows(
      rowCapacity: Self.rowCapacity,
      width: configuration.queryWidth,
      isQuantized: configuration.queryWidth % 32 == 0
    )
  }

  /// Multiplications and additions of queries with keys, and of weights with values.
  func operations(rowCount: Int, firstPosition: Int) -> Double {
    let pairs = (0..<rowCount).reduce(0) { $0 + firstPosition + $1 + 1 }
    return Double(configuration.layerCount * pairs * configuration.queryWidth) * 4
  }

  /// Bytes of keys and values of as many positions.
  func byteCount(positionCount: Int) -> Double {
    Double(memory.layout.blockByteCount) / 16 * Double(positionCount)
  }

  func attend(rowCount: Int, firstPosition: Int) {
    var rows = PagedRows(blockSizeTokens: 16)
    rows.append(
      rowCount: rowCount,
      firstPosition: firstPosition,
      blockTable: (0..<UInt32(memory.blockCount)).map { BlockID($0) }
    )
    for layer in 0..<configuration.layerCount {
      engine.attend(
        queries: queries,
        rows: rows,
        layer: layer,
        softCap: configuration.attentionSoftCap,
        in: memory,
        into: output
      )
    }
  }
}
