/// Faults of all kinds, at random.
extension SimulationScenario {
  /// Has so many faults strike while requests come in.
  package mutating func addFaults(_ count: Int) {
    var generator = SimulationGenerator(seed: seed &+ 1)
    faults = Self.faults(
      count: count,
      within: max(1, requests.last?.arrivalMicroseconds ?? 0),
      workerCount: workers.count,
      &generator
    )
  }

  static func faults(
    count: Int,
    within horizon: Int,
    workerCount: Int,
    _ generator: inout SimulationGenerator
  ) -> [TimedFault] {
    (0..<count).map { _ in
      let worker = Int.random(in: 0..<workerCount, using: &generator)
      let duration = Int(generator.exponential(mean: 800_000))
      let fault: SimulationFault =
        switch Int.random(in: 0..<9, using: &generator) {
        case 0: .crash(worker: worker, downMicroseconds: duration)
        case 1, 2: .hang(worker: worker, microseconds: duration)
        case 3:
          .slow(
            worker: worker,
            factor: Double.random(in: 2...20, using: &generator),
            microseconds: duration
          )
        case 4: .silence(worker: worker, microseconds: duration)
        case 5: .leave(worker: worker, awayMicroseconds: duration)
        case 6: .drain(worker: worker, awayMicroseconds: duration)
        case 7: .restart(downMicroseconds: duration)
        default: .storeLoss
        }
      return TimedFault(at: Int.random(in: 0..<horizon, using: &generator), fault)
    }
  }
}
