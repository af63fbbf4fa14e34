import Testing
import Transformer

@Suite struct PhiloxTests {
  /// The known answers that the authors' library Random123 is tested with.
  @Test func knownAnswers() {
    #expect(
      Philox.words(key: 0, counter: (0, 0)) == [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8]
    )
    #expect(
      Philox.words(key: .max, counter: (.max, .max))
        == [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD]
    )
    #expect(
      Philox.words(
        key: 0x299F_31D0_A409_3822,
        counter: (0x85A3_08D3_243F_6A88, 0x0370_7344_1319_8A2E)
      ) == [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1]
    )
  }

  @Test func numbersAreSpreadOverTheUnitInterval() {
    var buckets = [Int](repeating: 0, count: 16)
    let count = 64_000
    for position in 0..<count {
      let number = Philox.uniform(seed: 99, position: position)
      #expect((0..<1).contains(number))
      buckets[Int(number * 16)] += 1
    }
    // Chi-square with 15 degrees of freedom: above 38 once in a thousand seeds.
    let expected = Double(count) / 16
    let chiSquare = buckets.reduce(0.0) {
      $0 + (Double($1) - expected) * (Double($1) - expected) / expected
    }
    #expect(chiSquare < 38)
  }

  @Test func seedAndPositionBothMatter() {
    let numbers = [(1, 1), (1, 2), (2, 1), (1 << 40, 1), (1, 1 << 40)].map {
      Philox.uniform(seed: UInt64($0.0), position: $0.1)
    }
    #expect(Set(numbers).count == numbers.count)
    #expect(Philox.uniform(seed: 1, position: 1) == numbers[0])
  }
}
