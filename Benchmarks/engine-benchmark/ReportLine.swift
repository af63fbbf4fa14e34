/// A line of a table: a name, the median of some speeds, the slowest and the fastest.
struct ReportLine: CustomStringConvertible {
  private let name: String
  private let speeds: [Double]

  init(_ name: String, of speeds: [Double]) {
    self.name = name
    self.speeds = speeds.sorted()
  }

  var description: String {
    [speeds[speeds.count / 2], speeds[0], speeds[speeds.count - 1]].reduce(name.padded(to: 28)) {
      $0 + "\(Int($1.rounded()))".padded(to: 10, before: true)
    }
  }
}

extension String {
  /// The text with blanks after it, or before it, if it is shorter than `width`.
  func padded(to width: Int, before: Bool = false) -> String {
    let blanks = String(repeating: " ", count: max(0, width - count))
    return before ? blanks + self : self + blanks
  }
}

extension Duration {
  var seconds: Double { self / .seconds(1) }
}
