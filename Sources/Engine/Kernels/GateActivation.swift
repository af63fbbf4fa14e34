import CKernels

/// What the gate of a feed-forward network goes through before it multiplies.
package enum GateActivation: Hashable, Sendable {
  /// x / (1 + exp(-x)), of SwiGLU.
  case silu
  /// The tanh approximation of GELU, of GeGLU.
  case gelu

  var kernelActivation: wk_activation {
    switch self {
    case .silu: WK_SILU
    case .gelu: WK_GELU
    }
  }
}
