/// The forms in which the kernel writes lists and tables.
enum KernelText {
  /// Numbers of a list such as `0-3,8`, in order; nil if it is none.
  static func list(_ text: some StringProtocol) -> [Int]? {
    var numbers: [Int] = []
    for part in text.split(separator: ",") {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map {
        Int(trimmed($0))
      }
      guard ends.count <= 2, let first = ends.first ?? nil, let last = ends.last ?? nil,
        0...Self.largestNumber ~= first, first...Self.largestNumber ~= last
      else { return nil }
      numbers += first...last
    }
    return numbers
  }

  /// CPUs and nodes beyond this are not believed.
  private static let largestNumber = 1 << 14

  /// The words after a name at the beginning of a line, such as `MemTotal:` or `inactive_file`.
  static func words(after name: String, in text: String) -> [Substring]? {
    for line in text.split(separator: "\n") {
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      if words.first.map(String.init) == name { return Array(words.dropFirst()) }
    }
    return nil
  }

  /// The number after a name, in bytes if `kB` stands behind it.
  static func number(after name: String, in text: String) -> Int? {
    guard let words = words(after: name, in: text), let number = words.first.flatMap({ Int($0) })
    else { return nil }
    return words.dropFirst().first == "kB" ? number * 1024 : number
  }

  private static func trimmed(_ text: some StringProtocol) -> String {
    String(text.filter { !$0.isWhitespace })
  }
}
