/// How the elements of a tensor are stored.
///
/// Quantised types pack a row into blocks of ``elementsPerBlock`` elements that take
/// ``bytesPerBlock`` bytes; the plain types are blocks of one. Raw values are ggml's type numbers,
/// as they stand in GGUF files.
package enum TensorType: UInt32, Hashable, Sendable, CaseIterable, CustomStringConvertible {
  case f32 = 0
  case f16 = 1
  case bf16 = 30
  case q4_0 = 2
  case q4_1 = 3
  case q5_0 = 6
  case q5_1 = 7
  case q8_0 = 8
  case q4_K = 12
  case q5_K = 13
  case q6_K = 14

  /// The type with a number from a GGUF file; nil when Weft does not compute with that type.
  package init?(ggmlType: UInt32) { self.init(rawValue: ggmlType) }

  /// The type's number in GGUF files.
  package var ggmlType: UInt32 { rawValue }

  /// Elements in one block.
  package var elementsPerBlock: Int {
    switch self {
    case .f32, .f16, .bf16: 1
    case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0: 32
    case .q4_K, .q5_K, .q6_K: 256
    }
  }

  /// Bytes that one block takes.
  package var bytesPerBlock: Int {
    switch self {
    case .f32: 4
    case .f16, .bf16: 2
    case .q4_0: 18
    case .q4_1: 20
    case .q5_0: 22
    case .q5_1: 24
    case .q8_0: 34
    case .q4_K: 144
    case .q5_K: 176
    case .q6_K: 210
    }
  }

  /// The name that model files and people use: `Q4_K`.
  package var description: String {
    switch self {
    case .f32: "F32"
    case .f16: "F16"
    case .bf16: "BF16"
    case .q4_0: "Q4_0"
    case .q4_1: "Q4_1"
    case .q5_0: "Q5_0"
    case .q5_1: "Q5_1"
    case .q8_0: "Q8_0"
    case .q4_K: "Q4_K"
    case .q5_K: "Q5_K"
    case .q6_K: "Q6_K"
    }
  }
}
