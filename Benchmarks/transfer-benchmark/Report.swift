import Foundation
import Scheduling

/// Prints what was measured.
enum Report {
  static func show(computations: Computations, lengths: [Int]) {
    print("recompute, chunks of \(TransferBenchmark.chunk): tokens, ms (median)")
    for tokens in lengths {
      print(String(format: "%8d %9.1f", tokens, computations.milliseconds(tokens: tokens)))
    }
  }

  /// A variant's cases, those of one length in one line.
  static func show(_ variant: StoreVariant, _ cases: [Case]) {
    print("\n\(variant): \(share(of: cases))")
    print(
      "  tokens fetch ms (least, most)     expected     told  recompute ms  expected"
        + "  chosen (fetch / all)  right"
    )
    for (tokens, cases) in Dictionary(grouping: cases, by: \.tokens).sorted(by: { $0.key < $1.key })
    {
      let fetches = cases.map(\.fetchMilliseconds)
      let columns = String(
        format: "%8d %9.1f (%.0f, %.0f)",
        tokens,
        median(fetches),
        fetches.min() ?? 0,
        fetches.max() ?? 0
      )
      let rest = String(
        format: "%9.1f %9.1f %13.1f %9.1f %13d / %d %10d / %d%@",
        median(cases.map(\.expectedFetch)),
        median(cases.map(\.toldFetch)),
        cases[0].computeMilliseconds,
        median(cases.map(\.expectedCompute)),
        cases.count { $0.decision.action == .fetch },
        cases.count,
        cases.count(where: \.isRight),
        cases.count,
        (cases.contains(where: \.isClose) ? "  close" : "")
          + (cases.contains { $0.missedBlocks > 0 } ? "  not all came" : "")
      )
      print(columns.padding(toLength: 32, withPad: " ", startingAt: 0) + rest)
    }
  }

  /// All that went wrong, one by one, and the sum.
  static func show(_ all: [(StoreVariant, Case)]) {
    print("\nwrong choices")
    for (variant, wrong) in all where !wrong.isRight {
      print(
        String(
          format:
            "%@, %d tokens: %@, but fetching took %.1f ms (expected %.1f, told %.1f), "
            + "recomputing %.1f (expected %.1f)%@",
          variant.description,
          wrong.tokens,
          "\(wrong.decision.action.rawValue) (\(wrong.decision.reason.rawValue))",
          wrong.fetchMilliseconds,
          wrong.expectedFetch,
          wrong.toldFetch,
          wrong.computeMilliseconds,
          wrong.expectedCompute,
          wrong.isClose ? ", close" : ""
        )
      )
    }
    let close = all.map(\.1).filter(\.isClose)
    let clear = all.map(\.1).filter { !$0.isClose }
    print("\nall cases: \(share(of: all.map(\.1)))")
    print("those that differ by 10 % or more: \(share(of: clear))")
    print("those that differ by less: \(share(of: close))")
    let lost = all.map(\.1).reduce(0.0) { sum, one in
      let chosen =
        one.decision.action == .fetch ? one.fetchMilliseconds : one.computeMilliseconds
      return sum + chosen - min(one.fetchMilliseconds, one.computeMilliseconds)
    }
    let best = all.map(\.1).reduce(0.0) { $0 + min($1.fetchMilliseconds, $1.computeMilliseconds) }
    print(String(format: "time lost by wrong choices: %.2f %% of the best", 100 * lost / best))
  }

  private static func share(of cases: [Case]) -> String {
    let right = cases.count(where: \.isRight)
    guard !cases.isEmpty else { return "none" }
    return String(
      format: "%d of %d right (%.1f %%)",
      right,
      cases.count,
      100 * Double(right) / Double(cases.count)
    )
  }
}
