import Simulation

/// A simulation's figures for people.
enum SimulationText {
  /// One run.
  static func summary(_ report: SimulationReport) -> String {
    let first = report.firstTokenSeconds
    let token = report.tokenSeconds
    let gap = report.longestGapSeconds
    let cancelled = report.count(.cancelled)
    let failed = report.outcomes.count - report.count(.answered) - cancelled
    return """
      requests       \(report.count(.answered)) answered, \(failed) failed, \(cancelled) cancelled
      throughput     \(fixed(report.tokensPerSecond, 1)) output tokens/s over \
      \(fixed(report.seconds, 1)) s, workers busy \(percent(report.busyShare))
      TTFT           p50 \(milliseconds(first, 50)), p90 \(milliseconds(first, 90)), \
      p99 \(milliseconds(first, 99))
      TPOT           p50 \(milliseconds(token, 50)), p90 \(milliseconds(token, 90)), \
      p99 \(milliseconds(token, 99))
      longest gap    p50 \(milliseconds(gap, 50)), p99 \(milliseconds(gap, 99))
      prefix hits    \(percent(report.prefixHitShare)) of tokens, \
      \(percent(report.fetchedShare)) fetched from the store
      block waste    \(percent(report.blockWaste)); contiguous reservation: \
      \(percent(report.contiguousWaste))
      preemptions    \(report.preemptions), at most \(report.mostPreemptions) of one request
      guesses        \(report.draftedTokens) computed, \(report.acceptedDraftTokens) right
      faults         \(report.faults), \(report.workerLosses) workers lost
      steps          \(report.steps), of \(report.computedPositions) positions

      """
  }

  /// Several runs next to each other.
  static func table(_ rows: [(name: String, report: SimulationReport)]) -> String {
    var cells = [
      [
        "", "TTFT mean", "TTFT p50", "TTFT p90", "TPOT p50", "tokens/s", "hits", "fetched",
        "waste", "sequences", "preempted",
      ]
    ]
    for (name, report) in rows {
      cells.append([
        name, "\(fixed(report.firstTokenSeconds.mean * 1000, 0)) ms",
        milliseconds(report.firstTokenSeconds, 50), milliseconds(report.firstTokenSeconds, 90),
        milliseconds(report.tokenSeconds, 50), fixed(report.tokensPerSecond, 0),
        percent(report.prefixHitShare), percent(report.fetchedShare), percent(report.blockWaste),
        fixed(report.meanSequences, 1), "\(report.preemptions)",
      ])
    }
    let widths = cells[0].indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
    let lines = cells.map { row in
      zip(row, widths).enumerated().map { column, cell in
        let blanks = String(repeating: " ", count: cell.1 - cell.0.count)
        return column == 0 ? cell.0 + blanks : blanks + cell.0
      }.joined(separator: "  ")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func milliseconds(_ distribution: Distribution, _ percent: Double) -> String {
    "\(fixed(distribution.percentile(percent) * 1000, 0)) ms"
  }

  private static func percent(_ share: Double) -> String { "\(fixed(share * 100, 1)) %" }

  /// `value` with so many decimals.
  static func fixed(_ value: Double, _ decimals: Int) -> String {
    let scale = (0..<decimals).reduce(1.0) { scale, _ in scale * 10 }
    let whole = Int((abs(value) * scale).rounded())
    let sign = value < 0 && whole > 0 ? "-" : ""
    guard decimals > 0 else { return "\(sign)\(whole)" }
    let fraction = String(whole % Int(scale))
    let zeros = String(repeating: "0", count: decimals - fraction.count)
    return "\(sign)\(whole / Int(scale)).\(zeros)\(fraction)"
  }
}
