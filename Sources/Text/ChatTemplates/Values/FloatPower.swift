#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// `base ** exponent` in doubles.
///
/// - Returns: `nil` where Python raises or leaves the real numbers.
func power(_ base: Double, _ exponent: Double) -> Double? {
  if base == 0, exponent < 0 { return nil }
  if base < 0, base.isFinite, exponent.isFinite, exponent != exponent.rounded() { return nil }
  let result = pow(base, exponent)
  return result.isInfinite && base.isFinite && exponent.isFinite ? nil : result
}
