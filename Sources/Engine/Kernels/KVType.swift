import CKernels

/// How keys and values stand in KV memory.
package enum KVType: String, CaseIterable, Hashable, Sendable {
  /// In f16.
  case f16
  /// As levels of 8 bits with a scale in f16 for each 32 dimensions of a position's key, or value, of
  /// a head: 17/32 of f16's bytes where heads have a multiple of 32 dimensions.
  case q8

  /// Bytes of a block's keys, or values, of one head and layer.
  func headByteCount(dimension: Int, blockSizeTokens: Int) -> Int {
    switch self {
    case .f16: return 2 * dimension * blockSizeTokens
    case .q8:
      let group = Int(WK_KV_GROUP)
      return (dimension + 2 * ((dimension + group - 1) / group)) * blockSizeTokens
    }
  }

  var kernelType: wk_kv_type {
    switch self {
    case .f16: WK_KV_F16
    case .q8: WK_KV_Q8
    }
  }
}
