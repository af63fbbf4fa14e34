import Glibc
import MeshTypes
import SystemPackage

/// The file of a mesh's key, which only this user can read.
enum MeshKey {
  private static let byteCount = 32

  /// Makes a file of random bytes; one that is there already stays, so that blocks on disk are
  /// recognised by the next mesh.
  ///
  /// - Throws: ``MeshError`` `failedPrecondition` naming the file.
  static func prepare(_ path: String) throws(MeshError) {
    do {
      let file = try FileDescriptor.open(
        FilePath(path),
        .writeOnly,
        options: [.create, .exclusiveCreate],
        permissions: [.ownerRead, .ownerWrite]
      )
      var generator = SystemRandomNumberGenerator()
      let key = (0..<byteCount).map { _ in UInt8.random(in: 0 ... .max, using: &generator) }
      try file.closeAfter { _ = try file.writeAll(key) }
    } catch let error as Errno where error == .fileExists {
    } catch {
      throw MeshError(
        .failedPrecondition,
        "cannot make the mesh's key file '\(path)': \(error)",
        field: "mesh-key-file"
      )
    }
  }
}
