import Simulation
import Testing

/// The real scheduling core in meshes of a few workers, to which everything happens that can happen.
/// The simulation checks every rule at every event: blocks, budget, context, tokens, endings.
@Suite("Random scenarios")
struct RandomScenarioTests {
  private static let batch: UInt64 = 25

  @Test(
    "Whatever happens, every request ends as it may, with the tokens of an undisturbed run",
    arguments: 0..<1000 / batch as Range<UInt64>
  )
  func everything(batch: UInt64) throws {
    for seed in batch * Self.batch..<(batch + 1) * Self.batch {
      do {
        var simulation = try Simulation(.random(seed: seed))
        _ = try simulation.run()
      } catch {
        Issue.record("weft simulate --soak --first-seed \(seed) --count 1: \(error)")
      }
    }
  }

  @Test("The scenarios do meet what they are there to meet")
  func coverage() throws {
    var sums: [String: Int] = [:]
    for seed in 0..<150 as Range<UInt64> {
      var simulation = try Simulation(.random(seed: seed))
      let report = try simulation.run()
      sums["answers", default: 0] += report.count(.answered)
      sums["cancellations", default: 0] += report.count(.cancelled)
      sums["preemptions", default: 0] += report.preemptions
      sums["losses", default: 0] += report.workerLosses
      sums["stale reports", default: 0] += report.staleReports
      sums["hits", default: 0] += report.prefixHitShare > 0.1 ? 1 : 0
      sums["copies", default: 0] += report.copies
      sums["right drafts", default: 0] += report.acceptedDraftTokens
      sums["wrong drafts", default: 0] += report.draftedTokens - report.acceptedDraftTokens
      sums["fetches", default: 0] += report.fetchedShare > 0.01 ? 1 : 0
    }
    let least = [
      "answers": 2000, "cancellations": 50, "preemptions": 80, "losses": 50, "stale reports": 30,
      "hits": 20, "copies": 50, "fetches": 10, "right drafts": 2000, "wrong drafts": 1000,
    ]
    for (what, count) in least { #expect(sums[what, default: 0] >= count, "\(what): \(sums)") }
  }

  @Test("A scenario runs the same every time")
  func reproducible() throws {
    for seed in 0..<10 as Range<UInt64> {
      var first = try Simulation(.random(seed: seed))
      var second = try Simulation(.random(seed: seed))
      #expect(try first.run() == second.run())
    }
  }
}
