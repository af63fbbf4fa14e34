/// SplitMix64's last steps (Steele, Lea and Flood: Fast Splittable Pseudorandom Number Generators).
package enum SplitMix64 {
  /// What the state grows by from one number to the next.
  package static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15

  /// Spreads the bits of a number over the whole word: every one moves half of the result's.
  package static func mix(_ value: UInt64) -> UInt64 {
    var mixed = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
