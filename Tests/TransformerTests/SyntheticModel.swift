import Foundation
import ModelFiles
import TestSupport
import Transformer

/// A small random llama-architecture model as a GGUF file, to be damaged at will.
struct SyntheticModel {
  enum Value {
    case integer(UInt32)
    case float(Float)
    case string(String)
    case strings([String])
    case boolean(Bool)
  }

  struct Tensor {
    var name: String
    var type: TensorType
    var dimensions: [Int]
    var bytes: [UInt8]
  }

  var metadata: [(key: String, value: Value)]
  var tensors: [Tensor] = []

  static let layerCount = 2
  static let width = 256
  static let vocabularySize = 300
  static let contextLength = 200

  /// - Parameter types: The formats of weight matrices, dealt out in turn.
  init(types: [TensorType] = [.f32], seed: UInt64 = 1, layerCount: Int = Self.layerCount) {
    metadata = [
      ("general.architecture", .string("llama")),
      ("llama.block_count", .integer(UInt32(layerCount))),
      ("llama.embedding_length", .integer(UInt32(Self.width))),
      ("llama.feed_forward_length", .integer(512)),
      ("llama.attention.head_count", .integer(8)),
      ("llama.attention.head_count_kv", .integer(4)),
      ("llama.rope.freq_base", .float(10_000)),
      ("llama.attention.layer_norm_rms_epsilon", .float(1e-5)),
      ("llama.context_length", .integer(UInt32(Self.contextLength))),
    ]
    var random = SeededGenerator(seed: seed)
    var matrixCount = 0
    func matrix(_ name: String, _ depth: Int, _ columns: Int) {
      let type = types[matrixCount % types.count]
      matrixCount += 1
      tensors.append(
        Tensor(
          name: "\(name).weight",
          type: type,
          dimensions: [depth, columns],
          bytes: Self.weights(type, count: depth * columns, depth: depth, &random)
        )
      )
    }
    func norm(_ name: String) {
      let bytes = (0..<Self.width).flatMap { _ in
        littleEndian(Float.random(in: 0.5...1.5, using: &random).bitPattern)
      }
      tensors.append(
        Tensor(name: "\(name).weight", type: .f32, dimensions: [Self.width], bytes: bytes)
      )
    }
    matrix("token_embd", Self.width, Self.vocabularySize)
    norm("output_norm")
    for layer in 0..<layerCount {
      norm("blk.\(layer).attn_norm")
      matrix("blk.\(layer).attn_q", Self.width, Self.width)
      matrix("blk.\(layer).attn_k", Self.width, 128)
      matrix("blk.\(layer).attn_v", Self.width, 128)
      matrix("blk.\(layer).attn_output", Self.width, Self.width)
      norm("blk.\(layer).ffn_norm")
      matrix("blk.\(layer).ffn_gate", Self.width, 512)
      matrix("blk.\(layer).ffn_up", Self.width, 512)
      matrix("blk.\(layer).ffn_down", 512, Self.width)
    }
  }

  /// Random weights of roughly the size that keeps activations near 1.
  private static func weights(
    _ type: TensorType,
    count: Int,
    depth: Int,
    _ random: inout SeededGenerator
  ) -> [UInt8] {
    let scale = 1 / Float(depth).squareRoot()
    var bytes: [UInt8] = []
    for _ in 0..<count / type.elementsPerBlock {
      switch type {
      case .f32: bytes += littleEndian((random.floats(1)[0] * scale).bitPattern)
      case .f16: bytes += littleEndian(Float16(random.floats(1)[0] * scale).bitPattern)
      case .bf16: bytes += littleEndian(UInt16((random.floats(1)[0] * scale).bitPattern >> 16))
      default:
        var block = (0..<type.bytesPerBlock).map { _ in UInt8.random(in: 0...255, using: &random) }
        for (offset, factor) in halves(of: type) {
          let half = Float16(scale * factor)
          block.replaceSubrange(offset..<offset + 2, with: littleEndian(half.bitPattern))
        }
        bytes += block
      }
    }
    return bytes
  }

  /// The f16 fields of a block and what they are for weights near 1.
  private static func halves(of type: TensorType) -> [(offset: Int, factor: Float)] {
    switch type {
    case .q4_0: [(0, 0.2)]
    case .q4_1: [(0, 0.2), (2, -1.5)]
    case .q5_0: [(0, 0.1)]
    case .q5_1: [(0, 0.1), (2, -1.5)]
    case .q8_0: [(0, 0.012)]
    case .q4_K: [(0, 0.006), (2, 0.045)]
    case .q5_K: [(0, 0.003), (2, 0.045)]
    case .q6_K: [(208, 0.0006)]
    case .f32, .f16, .bf16: []
    }
  }

  /// The bytes of a GGUF file, version 3.
  var encoded: [UInt8] {
    var file = Array("GGUF".utf8) + littleEndian(UInt32(3))
    file += littleEndian(UInt64(tensors.count)) + littleEndian(UInt64(metadata.count))
    for (key, value) in metadata {
      file += encode(key)
      switch value {
      case .integer(let integer): file += littleEndian(UInt32(4)) + littleEndian(integer)
      case .float(let float): file += littleEndian(UInt32(6)) + littleEndian(float.bitPattern)
      case .boolean(let boolean): file += littleEndian(UInt32(7)) + [boolean ? 1 : 0]
      case .string(let string): file += littleEndian(UInt32(8)) + encode(string)
      case .strings(let strings):
        file += littleEndian(UInt32(9)) + littleEndian(UInt32(8))
        file += littleEndian(UInt64(strings.count)) + strings.flatMap(encode)
      }
    }
    var contents: [UInt8] = []
    for tensor in tensors {
      contents += [UInt8](repeating: 0, count: -contents.count & 31)
      file += encode(tensor.name) + littleEndian(UInt32(tensor.dimensions.count))
      for dimension in tensor.dimensions { file += littleEndian(UInt64(dimension)) }
      file += littleEndian(tensor.type.ggmlType) + littleEndian(UInt64(contents.count))
      contents += tensor.bytes
    }
    file += [UInt8](repeating: 0, count: -file.count & 31)
    return file + contents
  }

  private func encode(_ string: String) -> [UInt8] {
    littleEndian(UInt64(string.utf8.count)) + Array(string.utf8)
  }

  /// Loads the model with small settings.
  func runner(_ change: (inout RunnerSettings) -> Void = { _ in }) throws -> ModelRunner {
    var settings = RunnerSettings(blockCount: 64, maxBatchTokens: 96, threadCount: 2)
    change(&settings)
    return try withTemporaryFile(encoded) { path in
      try ModelRunner(file: try GGUFFile(path: path), settings: settings)
    }
  }
}

private func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}
