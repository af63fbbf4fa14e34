import CKernels
import Kernels
import TestSupport
import Testing

@Suite("A block's format outside KV memory")
struct KVBlockFormatTests {
  /// f16 bits of any finite values; some groups are of tiny, huge or equal ones.
  private static func halves(groups: Int, seed: UInt64) -> [UInt16] {
    var generator = SeededGenerator(seed: seed)
    return (0..<groups).flatMap { group in
      (0..<32).map { place in
        let bits = UInt16.random(in: 0...UInt16.max, using: &generator)
        let fraction = bits & 0x83FF
        switch group % 6 {
        case 0: return fraction | UInt16.random(in: 10...17, using: &generator) << 10
        case 1: return fraction
        case 2: return bits & 0x8000
        case 3: return place == 7 ? 0x7BFF : fraction | 14 << 10
        case 4: return bits & 0x8003
        default: return fraction | UInt16.random(in: 0...30, using: &generator) << 10
        }
      }
    }
  }

  private static func bytes(_ halves: [UInt16]) -> [UInt8] {
    halves.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
  }

  private static func value(_ bits: UInt16) -> Float { wk_from_f16(bits) }

  private static func encode(_ halves: [UInt16], _ format: KVBlockFormat) -> [UInt8] {
    var encoded = [UInt8](repeating: 255, count: format.byteCount(ofBlock: halves.count * 2))
    var span = encoded.mutableSpan
    var room = span.mutableBytes
    format.encode(halves.span.bytes, to: &room)
    return encoded
  }

  private static func decode(_ bytes: [UInt8], count: Int, _ format: KVBlockFormat) -> [UInt16] {
    var halves = [UInt16](repeating: 0x7E00, count: count)
    var span = halves.mutableSpan
    var block = span.mutableBytes
    format.decode(bytes.span.bytes, to: &block)
    return halves
  }

  @Test("exact is the bytes themselves")
  func exact() {
    let halves = Self.halves(groups: 8, seed: 1)
    #expect(KVBlockFormat.exact.byteCount(ofBlock: 368_640) == 368_640)
    let encoded = Self.encode(halves, .exact)
    #expect(encoded == Self.bytes(halves))
    #expect(Self.decode(encoded, count: halves.count, .exact) == halves)
  }

  @Test("q8 has 17/32 of the bytes, and comes back to within half a scale and f16's rounding")
  func quantised() {
    #expect(KVBlockFormat.q8.byteCount(ofBlock: 368_640) == 195_840)
    let halves = Self.halves(groups: 1200, seed: 2)
    let encoded = Self.encode(halves, .q8)
    let decoded = Self.decode(encoded, count: halves.count, .q8)
    for (place, half) in halves.enumerated() {
      let group = place / 32 * 34
      let scale = Self.value(UInt16(encoded[group]) | UInt16(encoded[group + 1]) << 8)
      let (before, after) = (Self.value(half), Self.value(decoded[place]))
      let rounding = max(before.magnitude, after.magnitude) * 0x1p-11 + 0x1p-25
      let bound = scale * 0.50005 + rounding
      #expect((before - after).magnitude <= bound, "\(before) came back as \(after)")
      let largest = halves[(place / 32 * 32)...].prefix(32).map { Self.value($0).magnitude }.max()!
      #expect(scale * 127 >= largest && scale <= largest / 127 * 1.001 + 0x1p-24)
    }
  }

  @Test("zeros stay zeros, and groups of the smallest values stay as they are")
  func smallest() {
    let zeros = [UInt16](repeating: 0, count: 64)
    #expect(Self.decode(Self.encode(zeros, .q8), count: 64, .q8) == zeros)
    let smallest = (0..<64).map { UInt16($0) }
    #expect(Self.decode(Self.encode(smallest, .q8), count: 64, .q8) == smallest)
  }

  @Test("the largest values stay finite, whatever the bytes")
  func largest() {
    let largest: [UInt16] = (0..<32).map { $0 % 2 == 0 ? 0x7BFF : 0xFBFF }
    #expect(Self.decode(Self.encode(largest, .q8), count: 32, .q8) == largest)
    var generator = SeededGenerator(seed: 3)
    let random = (0..<34 * 2000).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let decoded = Self.decode(random, count: 32 * 2000, .q8)
    #expect(decoded.allSatisfy { Self.value($0).isFinite })
  }

  @Test("this processor's kernels and the portable ones give equal bytes")
  func agreement() {
    let halves = Self.halves(groups: 6000, seed: 4)
    let encoded = Self.encode(halves, .q8)
    var portable = [UInt8](repeating: 0, count: encoded.count)
    wk_block_to_groups_portable(halves, halves.count, &portable)
    #expect(encoded == portable)
    var restored = [UInt16](repeating: 0, count: halves.count)
    wk_block_from_groups_portable(encoded, halves.count, &restored)
    #expect(Self.decode(encoded, count: halves.count, .q8) == restored)
    var generator = SeededGenerator(seed: 5)
    let random = encoded.map { _ in UInt8.random(in: 0...255, using: &generator) }
    wk_block_from_groups_portable(random, halves.count, &restored)
    #expect(Self.decode(random, count: halves.count, .q8) == restored)
  }
}
