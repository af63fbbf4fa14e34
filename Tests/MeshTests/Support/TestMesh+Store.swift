import FoundationEssentials
import WeftCLI

extension TestMesh.Store {
  /// How the mesh starts it.
  func plan(in meshDirectory: TemporaryDirectory) throws -> MeshPlan.Store? {
    switch self {
    case .none: return nil
    case .memory:
      let keyFile = "\(meshDirectory.path)/mesh.key"
      try Self.makeKey(keyFile)
      return MeshPlan.Store(memoryMiB: 512, directory: nil, keyFile: keyFile)
    case .disk(let directory):
      let keyFile = "\(directory).key"
      if !FileManager.default.fileExists(atPath: keyFile) { try Self.makeKey(keyFile) }
      return MeshPlan.Store(memoryMiB: 512, directory: directory, keyFile: keyFile)
    }
  }

  private static func makeKey(_ path: String) throws {
    let key = Data((0..<32).map { _ in UInt8.random(in: 0 ... .max) })
    try key.write(to: URL(filePath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
  }
}
