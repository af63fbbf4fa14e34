import MeshRuntime
import ServiceTesting
import TestSupport
import Testing

@Suite("Backoff")
struct BackoffTests {
  @Test("doubles up to the longest delay, each drawn from its upper half")
  func bounds() {
    for seed in UInt64(0)..<200 {
      var generator = SeededGenerator(seed: seed)
      var backoff = Backoff(first: .milliseconds(10), longest: .milliseconds(160))
      for expected in [10, 20, 40, 80, 160, 160, 160] {
        let delay = backoff.delay(using: &generator)
        #expect(delay >= .milliseconds(expected) / 2, "seed \(seed)")
        #expect(delay <= .milliseconds(expected), "seed \(seed)")
      }
    }
  }

  @Test("begins again after a success")
  func reset() {
    var generator = SeededGenerator(seed: 1)
    var backoff = Backoff(first: .milliseconds(10), longest: .seconds(1))
    for _ in 0..<5 { _ = backoff.delay(using: &generator) }
    backoff.reset()
    #expect(backoff.delay(using: &generator) <= .milliseconds(10))
  }

  @Test("spreads clients out")
  func jitter() {
    var generator = SeededGenerator(seed: 7)
    let delays = (0..<32).map { _ in
      var backoff = Backoff()
      return backoff.delay(using: &generator)
    }
    #expect(Set(delays).count > 16)
  }
}
