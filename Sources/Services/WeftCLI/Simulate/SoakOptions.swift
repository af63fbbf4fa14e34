import ArgumentParser
import Simulation

/// Random small scenarios with all faults, one seed after the other.
struct SoakOptions: ParsableArguments {
  @Flag(help: "Run random small scenarios in which everything goes wrong, and stop at a defect.")
  var soak = false

  @Option(help: "The first scenario's seed.")
  var firstSeed: UInt64 = 0

  @Option(help: "How many scenarios.")
  var count: UInt64 = 1000

  /// - Throws: `ExitCode` 1 after a scenario that broke a rule; its seed has been printed.
  func run() throws {
    var events = 0
    var answers = 0
    for seed in firstSeed..<firstSeed + count {
      do {
        var simulation = try Simulation(.random(seed: seed))
        let report = try simulation.run()
        events += report.steps
        answers += report.count(.answered)
      } catch {
        Terminal.note(
          "error: a rule is broken: weft simulate --soak --first-seed \(seed) --count 1\n\(error)"
        )
        throw ExitCode.failure
      }
    }
    Terminal.show("\(count) scenarios, \(events) steps, \(answers) answers, no rule broken\n")
  }
}
