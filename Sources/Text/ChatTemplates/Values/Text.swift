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

/// The first place at or after `start` where `needle` lies in `haystack`.
func firstPlace(of needle: [UInt8], in haystack: [UInt8], from start: Int) -> Range<Int>? {
  guard start + needle.count <= haystack.count else { return nil }
  guard let first = needle.first else { return start..<start }
  var position = start
  let last = haystack.count - needle.count
  search: while position <= last {
    guard haystack[position] == first else {
      position += 1
      continue
    }
    var offset = 1
    while offset < needle.count {
      if haystack[position + offset] != needle[offset] {
        position += 1
        continue search
      }
      offset += 1
    }
    return position..<(position + needle.count)
  }
  return nil
}

/// The last place before `end` where `needle` lies in `haystack`.
func lastPlace(of needle: [UInt8], in haystack: [UInt8], before end: Int) -> Range<Int>? {
  var position = end - needle.count
  while position >= 0 {
    if haystack[position..<(position + needle.count)].elementsEqual(needle) {
      return position..<(position + needle.count)
    }
    position -= 1
  }
  return nil
}
