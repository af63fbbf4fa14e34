import Foundation
import Subprocess
import SystemPackage
import Testing

@Suite("The house")
struct FloorTests {
  @Test("every target is on a floor, and every floor's target is there")
  func complete() {
    let listed = Floors.targets.reduce(into: Set<String>()) { $0.formUnion($1.targets) }
    #expect(Repository.targets == listed)
    #expect(Repository.sources.count > 100, "the sources were not found")
  }

  @Test("files import only from floors below")
  func imports() {
    for file in Repository.sources {
      let violations = Floors.violations(of: file.target, importing: file.imports)
      #expect(violations.isEmpty, "\(file) imports \(violations)")
    }
  }

  @Test("a broken rule is noticed")
  func broken() {
    #expect(Floors.violations(of: "BlockCache", importing: ["Scheduling"]) == ["Scheduling"])
    #expect(Floors.violations(of: "GatewayService", importing: ["WeftCLI"]) == ["WeftCLI"])
    #expect(Floors.violations(of: "GRPCCoreTransport", importing: ["MeshProtos"]) == ["MeshProtos"])
    #expect(Floors.violations(of: "MeshRuntime", importing: ["Scheduling"]) == ["Scheduling"])
    #expect(Floors.violations(of: "MeshTypes", importing: ["MeshRuntime"]) == ["MeshRuntime"])
    #expect(Floors.violations(of: "Attic", importing: []).count == 1)
    #expect(Floors.violations(of: "MeshRuntime", importing: ["MeshProtos", "Glibc"]).isEmpty)
    let file = SourceFile(
      path: "Sources/Cache/BlockCache/A.swift",
      text:
        "package import GRPCCore\nimport struct Logging.Logger\n// import Kernels\nimport Glibc\n"
    )
    #expect(file.imports == ["GRPCCore", "Logging", "Glibc"])
    #expect(file.target == "BlockCache")
  }

  @Test("executables know their own service and the runtime alone")
  func executables() {
    for file in Repository.sources where Floors.executables.contains(file.target) {
      let services = file.imports.intersection(Floors.services)
      #expect(services.count <= 1, "\(file) imports \(services)")
      let ours = file.imports.filter { Floors.height(of: $0) != nil }
      #expect(ours.isSubset(of: Floors.services.union(["MeshRuntime"])), "\(file)")
    }
  }

  @Test("the manifest's dependencies go down too")
  func manifest() async throws {
    let package = try await PackageDescription.dump()
    #expect(package.targets.count > 20)
    for target in package.targets where target.isInHouse {
      let violations = Floors.violations(of: target.name, importing: target.dependencyNames)
      #expect(violations.isEmpty, "\(target.name) depends on \(violations)")
    }
  }
}

/// `swift package dump-package`, as far as needed.
private struct PackageDescription: Decodable {
  struct Target: Decodable {
    var name: String
    private var path: String?
    private var dependencies: [[String: [Part?]]]

    /// Whether it is neither a test nor a benchmark.
    var isInHouse: Bool { path?.hasPrefix("Sources/") == true }

    /// Of the package's own targets and of products.
    var dependencyNames: Set<String> {
      Set(dependencies.flatMap(\.values).compactMap { $0.first??.name })
    }
  }

  /// `["MeshTypes", null]`: the name, then what does not concern us.
  private struct Part: Decodable {
    var name: String?

    init(from decoder: any Decoder) throws {
      name = try? decoder.singleValueContainer().decode(String.self)
    }
  }

  var targets: [Target]

  /// Works in a scratch directory of its own, so that it does not wait for the build's lock.
  static func dump() async throws -> PackageDescription {
    let scratch = FileManager.default.temporaryDirectory.appending(
      path: "weft-architecture-\(UUID().uuidString)"
    )
    defer { try? FileManager.default.removeItem(at: scratch) }
    let result = try await Subprocess.run(
      .name("swift"),
      arguments: [
        "package", "--package-path", Repository.root, "--scratch-path", scratch.path,
        "dump-package",
      ],
      output: .string(limit: 4 << 20),
      error: .string(limit: 1 << 20)
    )
    #expect(result.terminationStatus.isSuccess, "\(result.standardError)")
    return try JSONDecoder().decode(
      PackageDescription.self,
      from: Data(result.standardOutput.utf8)
    )
  }
}
