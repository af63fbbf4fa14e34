import CKernels

/// Which of a head's values rotate together.
package enum RotaryPairs: Hashable, Sendable {
  /// 2i and 2i + 1: how the llama tensors of GGUF files are laid out.
  case neighbours
  /// i and i + the number of pairs: how GPT-NeoX, and Hugging Face, have them.
  case halves

  var kernelPairs: wk_rotary_pairs {
    switch self {
    case .neighbours: WK_PAIRS_OF_NEIGHBOURS
    case .halves: WK_PAIRS_OF_HALVES
    }
  }
}
