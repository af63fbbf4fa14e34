import BlockCache
import Glibc
import MeshTypes
import Scheduling

/// Measures what planning costs by itself: every worker decodes a full batch, and many sequences wait.
///
/// With the argument `allocations` it only counts those, and with `hold` after it lets somebody hold
/// the plans while the next are made: the tests' way to ask.
@main
struct SchedulingBenchmark {
  private static let clock = ContinuousClock()
  private static let rounds = 400

  static func main() throws {
    switch Array(CommandLine.arguments.dropFirst()) {
    case []: try printTable()
    case ["allocations"]: try printAllocations(holdsPlans: false)
    case ["allocations", "hold"]: try printAllocations(holdsPlans: true)
    default: fatalError("usage: scheduling-benchmark [allocations [hold]]")
    }
  }

  private static func printTable() throws {
    print("workers  running  waiting  plan of all workers  result and plan of one  allocations")
    for (workers, running, waiting) in [
      (1, 16, 1000), (4, 64, 1000), (16, 256, 0), (16, 256, 100), (16, 256, 1000),
      (16, 256, 10_000), (16, 1024, 1000), (64, 1024, 1000), (256, 4096, 1000),
    ] {
      var bench = try PlanningBench(workers: workers, running: running, waiting: waiting)
      let cost = bench.run(rounds: rounds, clock: clock)
      print(
        row([
          "\(workers)", "\(running)", "\(waiting)", "\(tenths(cost.ofAll)) us",
          "\(tenths(cost.ofOne)) us", "\(cost.allocations)",
        ])
      )
    }
  }

  private static func printAllocations(holdsPlans: Bool) throws {
    var bench = try PlanningBench(workers: 16, running: 256, waiting: 1000)
    let cost = bench.run(rounds: rounds, holdingPlans: holdsPlans, clock: clock)
    print("plans \(cost.planCount)\nallocations \(cost.allocations)")
  }

  private static func row(_ cells: [String]) -> String {
    zip(cells, [7, 7, 7, 19, 22, 11]).map { cell, width in
      String(repeating: " ", count: max(0, width - cell.count)) + cell
    }.joined(separator: "  ")
  }

  private static func tenths(_ microseconds: Double) -> String {
    let whole = Int((microseconds * 10).rounded())
    return "\(whole / 10).\(whole % 10)"
  }
}
