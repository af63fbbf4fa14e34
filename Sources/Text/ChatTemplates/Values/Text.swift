/// Whether two strings are the same code points, which is Python's equality; Swift's `==` also
/// takes canonically equivalent strings for equal.
func sameText(_ left: String, _ right: String) -> Bool {
  let left = left.utf8
  let right = right.utf8
  return left.count == right.count && left.elementsEqual(right)
}

/// A string as a hash key with Python's equality.
struct TextKey: Hashable {
  let text: String

  static func == (left: Self, right: Self) -> Bool { sameText(left.text, right.text) }

  func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

extension Unicode.Scalar {
  /// What Python's `str.isspace` and the regular expression `\s` count as white space.
  var isPythonSpace: Bool {
    switch value {
    case 9...13, 28...32, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F,
      0x3000:
      true
    default: false
    }
  }

  /// What ends a line for Python's `str.splitlines`.
  var isPythonLineEnd: Bool {
    switch value {
    case 10...13, 28...30, 0x85, 0x2028, 0x2029: true
    default: false
    }
  }
}

extension String {
  /// A string of these code points.
  init(scalars: some Sequence<Unicode.Scalar>) {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    self.init(view)
  }

  /// The string without scalars that `drops` says at its ends.
  func trimmed(
    left: Bool = true,
    right: Bool = true,
    dropping drops: (Unicode.Scalar) -> Bool = { $0.isPythonSpace }
  ) -> String {
    var view = unicodeScalars[...]
    if left { view = view.drop(while: drops) }
    if right {
      while let last = view.last, drops(last) { view.removeLast() }
    }
    return view.count == unicodeScalars.count ? self : String(Substring(view))
  }

  /// Whether the other's code points occur in this one.
  func containsText(_ other: String) -> Bool {
    let needle = Array(other.utf8)
    return firstPlace(of: needle, in: Array(utf8), from: 0) != nil
  }
}

/// The text with HTML's special characters as entities, as Python's markupsafe writes them.
func escapedForHTML(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "'": result += "&#39;"
    case "\"": result += "&#34;"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}

/// The first place at or after `start` where `needle` lies in `haystack`, in time linear in both:
/// Knuth, Morris and Pratt's search.
func firstPlace(of needle: [UInt8], in haystack: [UInt8], from start: Int) -> Range<Int>? {
  guard start + needle.count <= haystack.count else { return nil }
  guard let first = needle.first else { return start..<start }
  var table: [Int] = []
  var matched = 0
  var position = start
  while position < haystack.count {
    if matched == 0 {
      // Most places are ruled out by their first byte; the table is made when one is not.
      guard haystack[position] == first else {
        position += 1
        continue
      }
    } else if haystack[position] != needle[matched] {
      if table.isEmpty { table = failureTable(needle) }
      matched = table[matched - 1]
      continue
    }
    matched += 1
    position += 1
    if matched == needle.count { return (position - matched)..<position }
  }
  return nil
}

/// For each prefix of `needle`, the length of its longest proper prefix that is also its suffix.
private func failureTable(_ needle: [UInt8]) -> [Int] {
  var table = [Int](repeating: 0, count: needle.count)
  var matched = 0
  for index in needle.indices.dropFirst() {
    while matched > 0, needle[index] != needle[matched] { matched = table[matched - 1] }
    if needle[index] == needle[matched] { matched += 1 }
    table[index] = matched
  }
  return table
}

/// The last place where `needle` lies in `haystack`.
func lastPlace(of needle: [UInt8], in haystack: [UInt8]) -> Range<Int>? {
  firstPlace(of: needle.reversed(), in: haystack.reversed(), from: 0).map {
    (haystack.count - $0.upperBound)..<(haystack.count - $0.lowerBound)
  }
}
