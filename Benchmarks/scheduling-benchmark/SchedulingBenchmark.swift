import BlockCache
import Glibc
import MeshTypes
import Scheduling

/// Measures what planning costs by itself: every worker decodes a full batch, and many sequences wait.
@main
struct SchedulingBenchmark {
  private static let clock = ContinuousClock()
  private static let rounds = 400

  static func main() throws {
    print("workers  running  waiting  plan of all workers  result and plan of one")
    for (workers, running, waiting) in [
      (1, 16, 1000), (4, 64, 1000), (16, 256, 0), (16, 256, 100), (16, 256, 1000),
      (16, 256, 10_000), (16, 1024, 1000), (64, 1024, 1000), (256, 4096, 1000),
    ] {
      var bench = try PlanningBench(workers: workers, running: running, waiting: waiting)
      let (all, one) = try bench.run(rounds: rounds, clock: clock)
      print(
        row([
          "\(workers)", "\(running)", "\(waiting)", "\(tenths(all)) us", "\(tenths(one)) us",
        ])
      )
    }
  }

  private static func row(_ cells: [String]) -> String {
    zip(cells, [7, 7, 7, 19, 22]).map { cell, width in
      String(repeating: " ", count: max(0, width - cell.count)) + cell
    }.joined(separator: "  ")
  }

  private static func tenths(_ microseconds: Double) -> String {
    let whole = Int((microseconds * 10).rounded())
    return "\(whole / 10).\(whole % 10)"
  }
}
