import Testing

@Suite("Tidiness")
struct TidinessTests {
  /// The floors whose code is values in, values out.
  private static let pure = Repository.sources.filter { (Floors.height(of: $0.target) ?? 9) < 4 }

  /// Where files match, with the line.
  private static func places(
    _ files: [SourceFile],
    _ pattern: Regex<Substring>
  ) -> [String] {
    files.flatMap { file in
      file.code.enumerated().filter { $0.element.contains(pattern) }
        .map { "\(file):\($0.offset + 1)" }
    }
  }

  @Test("the pure floors know no gRPC, no log and no process")
  func pureImports() {
    #expect(Self.pure.count > 50)
    let effects: Set = [
      "GRPCCore", "GRPCProtobuf", "SwiftProtobuf", "Logging", "ServiceLifecycle", "Dispatch",
      "Subprocess", "Foundation", "FoundationEssentials", "Configuration", "ArgumentParser",
    ]
    for file in Self.pure {
      let found = file.imports.intersection(effects)
      #expect(found.isEmpty, "\(file) imports \(found)")
    }
  }

  @Test("the pure floors start no tasks and read no clock")
  func pureEffects() {
    let effects = #/\bTask\s*\{|\bTask\.|\bawait\b|ContinuousClock|SuspendingClock|clock_gettime/#
    #expect(Self.places(Self.pure, effects) == [])
  }

  @Test("no task is started that nobody waits for")
  func structuredTasks() {
    #expect(Self.places(Repository.sources, #/\bTask\s*\{|\bTask\.detached/#) == [])
  }

  @Test("unsafe pointers stay in the wire, the kernels and the model files")
  func unsafePointers() {
    let files = Repository.sources.filter {
      ![
        "GRPCCoreTransport", "KVStoreWire", "Kernels", "ModelFiles", "Checksum", "SegmentStore",
        "TieredStore",
      ].contains($0.target)
    }
    let unsafe = #/UnsafePointer|UnsafeMutable|UnsafeRaw|UnsafeBuffer|withUnsafe|unsafeBitCast/#
    #expect(Self.places(files, unsafe) == [])
  }

  @Test("files stay small, those of executables very small")
  func sizes() {
    for file in Repository.sources where file.target != "MeshProtos" {
      let limit = Floors.executables.contains(file.target) ? 60 : 400
      #expect(file.lines.count - 1 <= limit, "\(file) has \(file.lines.count - 1) lines")
    }
    for file in Repository.tests {
      #expect(file.lines.count - 1 <= 400, "\(file) has \(file.lines.count - 1) lines")
    }
  }

  @Test("types are named after what they are")
  func names() {
    let forbidden = #/(Manager|Helpers?|Util(s|ity|ities)?|Info|Data)$/#
    for file in Repository.sources + Repository.tests where file.target != "MeshProtos" {
      let wrong = file.declaredTypes.filter { $0.contains(forbidden) }
      #expect(wrong.isEmpty, "\(file) declares \(wrong)")
    }
    let sample = SourceFile(path: "a", text: "final class Block\("Manager") {}\nstruct Block {}")
    #expect(sample.declaredTypes == ["Block\("Manager")", "Block"])
  }

  @Test("nothing is left to be done later")
  func leftovers() {
    // Spelt in parts, so that this line is none.
    let marks = ["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]
    for file in Repository.sources + Repository.tests {
      let wrong = marks.filter { mark in
        file.lines.contains { $0.split { !$0.isLetter }.contains(Substring(mark)) }
      }
      #expect(wrong.isEmpty, "\(file)")
    }
  }

  @Test("every target has tests, or a place where it is tested")
  func tested() {
    for target in Repository.targets.sorted() {
      let hasTests = Repository.testTargets.contains("\(target)Tests")
      #expect(
        hasTests != (Floors.testedElsewhere[target] != nil),
        "\(target): tests \(hasTests), elsewhere \(Floors.testedElsewhere[target] ?? "-")"
      )
    }
  }
}
