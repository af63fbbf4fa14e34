import Simulation
import TestSupport
import Testing

@Suite("Parts of a simulation")
struct SimulationPartsTests {
  @Test("Events come by time, those of one time in the order in which they were added")
  func eventQueue() {
    for seed in 0..<20 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed)
      var queue = EventQueue<Int>()
      var expected: [(time: Int, number: Int)] = []
      for number in 0..<200 {
        let time = Int.random(in: 0..<40, using: &generator)
        queue.add(number, at: time)
        expected.append((time, number))
      }
      expected.sort { ($0.time, $0.number) < ($1.time, $1.number) }
      for (time, number) in expected {
        let next = queue.next()
        #expect(next?.time == time && next?.event == number, "seed \(seed)")
      }
      #expect(queue.isEmpty)
    }
  }

  @Test("The natural logarithm is right to the last digits")
  func logarithm() {
    let known: [(Double, Double)] = [
      (1, 0), (2, 0.693_147_180_559_945_3), (10, 2.302_585_092_994_046),
      (1e-9, -20.723_265_836_946_41), (0.999, -0.001_000_500_333_583_533_5),
    ]
    for (value, logarithm) in known {
      let error = abs(SimulationGenerator.naturalLogarithm(value) - logarithm)
      #expect(error <= 1e-14 * max(1, abs(logarithm)), "\(value)")
    }
  }

  @Test("Pauses between independent events have their mean and their spread")
  func exponential() {
    var generator = SimulationGenerator(seed: 1)
    let pauses = (0..<20_000).map { _ in generator.exponential(mean: 3) }
    let mean = pauses.reduce(0, +) / 20_000
    #expect((2.9...3.1).contains(mean))
    // e⁻¹ of them are longer than the mean.
    #expect((0.35...0.39).contains(Double(pauses.count { $0 > 3 }) / 20_000))
  }

  @Test("The step times of the default model are those that decision 11 has measured")
  func stepTimes() {
    let model = StepTimeModel.smolLM2OnTwoCores
    for (positions, speed) in [(128, 2059.0), (512, 1769), (2048, 1158)] {
      let time = model.microseconds(
        promptPositions: positions,
        decodingSequences: 0,
        contextPositions: positions * (positions - 1) / 2
      )
      #expect(abs(Double(positions) / time * 1e6 / speed - 1) < 0.05)
    }
    for (batch, speed) in [(1, 358.0), (16, 1348), (32, 1406)] {
      let time = model.microseconds(
        promptPositions: 0,
        decodingSequences: batch,
        contextPositions: batch * 80
      )
      #expect(abs(Double(batch) / time * 1e6 / speed - 1) < 0.05)
    }
  }

  @Test("Percentiles are values that are there")
  func percentiles() {
    let distribution = Distribution([4, 1, 3, 2, 5])
    #expect(distribution.percentile(50) == 3)
    #expect(distribution.percentile(0) == 1)
    #expect(distribution.percentile(100) == 5)
    #expect(distribution.mean == 3)
    #expect(Distribution([]).percentile(50) == 0)
  }
}
