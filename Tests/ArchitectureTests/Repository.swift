import Foundation

/// The repository that this test was built from.
enum Repository {
  static let root: String = {
    let file: String = #filePath
    let end = file.firstRange(of: "/Tests/ArchitectureTests/")?.lowerBound ?? file.endIndex
    return String(file[..<end])
  }()

  /// Every Swift file below `Sources`.
  static let sources = swiftFiles(below: "Sources")
  /// Every Swift file below `Tests`.
  static let tests = swiftFiles(below: "Tests")

  /// Targets that have a folder below `Sources`, those in C too.
  static let targets: Set<String> = Set(
    names(in: "Sources").flatMap { names(in: "Sources/\($0)") }
  )

  /// Targets that have a folder below `Tests`.
  static let testTargets: Set<String> = Set(names(in: "Tests"))

  private static func names(in folder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(root)/\(folder)")) ?? []
    return names.filter { !$0.hasPrefix(".") }
  }

  private static func swiftFiles(below folder: String) -> [SourceFile] {
    // The enumerator itself does not follow a link at its root.
    let start = URL(filePath: "\(root)/\(folder)").resolvingSymlinksInPath().path
    let found = FileManager.default.enumerator(atPath: start)?.compactMap { $0 as? String } ?? []
    return found.filter { $0.hasSuffix(".swift") }.sorted().compactMap { name in
      guard let text = try? String(contentsOfFile: "\(start)/\(name)", encoding: .utf8)
      else { return nil }
      return SourceFile(path: "\(folder)/\(name)", text: text)
    }
  }
}
