/// The counter-based random generator Philox4x32-10.
///
/// Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
package enum Philox {
  /// Four random words for a key and a counter: the same for the same input, independent otherwise.
  package static func words(key: UInt64, counter: (UInt64, UInt64)) -> SIMD4<UInt32> {
    var key0 = UInt32(truncatingIfNeeded: key), key1 = UInt32(truncatingIfNeeded: key >> 32)
    var state = SIMD4(
      UInt32(truncatingIfNeeded: counter.0),
      UInt32(truncatingIfNeeded: counter.0 >> 32),
      UInt32(truncatingIfNeeded: counter.1),
      UInt32(truncatingIfNeeded: counter.1 >> 32)
    )
    for _ in 0..<10 {
      let product0 = state[0].multipliedFullWidth(by: 0xD251_1F53)
      let product1 = state[2].multipliedFullWidth(by: 0xCD9E_8D57)
      state = SIMD4(
        product1.high ^ state[1] ^ key0,
        product1.low,
        product0.high ^ state[3] ^ key1,
        product0.low
      )
      key0 &+= 0x9E37_79B9
      key1 &+= 0xBB67_AE85
    }
    return state
  }

  /// A number in 0..<1 with 53 random bits, for one position of a request's output.
  package static func uniform(seed: UInt64, position: Int) -> Double {
    let words = words(key: seed, counter: (UInt64(bitPattern: Int64(position)), 0))
    let bits = UInt64(words[0]) << 32 | UInt64(words[1])
    return Double(bits >> 11) * 0x1p-53
  }
}
