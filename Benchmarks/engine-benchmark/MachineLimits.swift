import CMachineLimits

/// What the machine does at most, in the run at hand: the fastest of some short measurements.
struct MachineLimits {
  /// Bytes per second.
  let read: Double
  /// Operations per second with 8 bits, and with f32.
  let int8: Double
  let f32: Double

  /// - Parameters:
  ///   - instructionSet: A kernel set's name.
  ///   - seconds: For how long each limit is measured.
  init(instructionSet: String, threads: Int, seconds: Double) {
    let level: limits_level =
      switch instructionSet {
      case "avx512": LIMITS_AVX512
      case "avx2": LIMITS_AVX2
      default: LIMITS_PORTABLE
      }
    func fastest(_ kind: limits_kind) -> Double {
      let each = 0.02
      return (0..<max(3, Int(seconds / each))).map { _ in
        limits_measure(kind, level, UInt32(threads), each)
      }.max() ?? 0
    }
    read = fastest(LIMITS_READ)
    int8 = fastest(LIMITS_INT8)
    f32 = fastest(LIMITS_F32)
  }
}
