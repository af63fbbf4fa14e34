import Foundation

/// A Swift file of the repository, read as text.
struct SourceFile: Sendable, CustomStringConvertible {
  /// Below the repository's root: `Sources/Runtime/MeshTypes/MeshError.swift`.
  var path: String
  var text: String

  var description: String { path }

  var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

  /// The lines without what stands behind `//`. Strings that hold `//` lose their end, which no
  /// rule here depends on.
  var code: [Substring] {
    lines.map { line in line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line }
  }

  /// The modules that it imports.
  var imports: Set<String> {
    Set(
      code.compactMap { $0.firstMatch(of: #/^(?:\w+ )?import (?:\w+ )?(\w+)/#)?.1 }.map(String.init)
    )
  }

  /// The names of the types that it declares.
  var declaredTypes: [String] {
    code.flatMap { line in
      line.matches(of: #/\b(?:class|struct|enum|actor|protocol|typealias) ([A-Z]\w*)/#)
        .map { String($0.1) }
    }
  }

  /// `Sources/Runtime/MeshTypes/MeshError.swift` is part of `MeshTypes`.
  var target: String {
    let parts = path.split(separator: "/").map(String.init)
    return parts.count > 2 ? parts[2] : ""
  }
}
