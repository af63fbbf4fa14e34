import CKernels
import Foundation
import TestSupport
import Testing

@Suite struct RotaryAnglesTests {
  @Test func cosinesAndSinesAreCorrectlyRounded() {
    var random = SeededGenerator(seed: 6)
    for _ in 0..<20_000 {
      let position = UInt32.random(in: 0...1_000_000, using: &random)
      let frequency = Float.random(in: 1e-6...1, using: &random)
      var cosine: Float = 0, sine: Float = 0
      wk_rotary_angles(position, [frequency], 1, &cosine, &sine)
      let angle = Double(position) * Double(frequency)
      // libm's last bit in double precision may tip the rounding to f32 once in 2^29.
      #expect(abs(Double(cosine) - cos(angle)) <= 3e-8 + 1e-12, "\(position) × \(frequency)")
      #expect(abs(Double(sine) - sin(angle)) <= 3e-8 + 1e-12, "\(position) × \(frequency)")
    }
  }

  @Test func positionZeroDoesNotRotate() {
    var values: [Float] = [1, 2, 3, 4, 5, 6]
    var cosines: [Float] = [9, 9], sines: [Float] = [9, 9]
    wk_rotary_angles(0, [1, 0.5], 2, &cosines, &sines)
    #expect(cosines == [1, 1])
    #expect(sines == [0, 0])
    wk_rotate(&values, 1, 6, WK_PAIRS_OF_NEIGHBOURS, cosines, sines, 2)
    #expect(values == [1, 2, 3, 4, 5, 6])
  }

  @Test func neighbouringDimensionsRotateTogetherInEveryHead() {
    // A quarter turn takes (x, y) to (-y, x); the last pair of each head does not rotate.
    var values: [Float] = [1, 2, 3, 4, 5, 6, 7, 8]
    wk_rotate(&values, 2, 4, WK_PAIRS_OF_NEIGHBOURS, [0], [1], 1)
    #expect(values == [-2, 1, 3, 4, -6, 5, 7, 8])
  }

  @Test func halvesOfWhatRotatesGoTogetherInEveryHead() {
    var values: [Float] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    wk_rotate(&values, 2, 6, WK_PAIRS_OF_HALVES, [0, 1], [1, 0], 2)
    #expect(values == [-3, 2, 1, 4, 5, 6, -9, 8, 7, 10, 11, 12])
  }
}
