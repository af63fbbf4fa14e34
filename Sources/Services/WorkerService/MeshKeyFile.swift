import FoundationEssentials
import Glibc
import MeshTypes

/// The key that the workers of a mesh share, in a file.
enum MeshKeyFile {
  static let allowedBytes = 16...1024

  /// What is used without a file: everybody knows it, so tags only prove that bytes are whole.
  static let publicKey = Array("weft.mesh.without.a.key".utf8)

  /// Reads a key.
  ///
  /// - Throws: ``MeshError`` `failedPrecondition` if the file cannot be read, is no regular file, may
  ///   be read by all or written by its group, or is not of ``allowedBytes``.
  static func read(_ path: String) throws(MeshError) -> [UInt8] {
    func refusal(_ reason: String) -> MeshError {
      MeshError(
        .failedPrecondition,
        "mesh-key-file '\(path)' \(reason)",
        field: "mesh-key-file"
      )
    }
    var status = stat()
    guard stat(path, &status) == 0 else { throw refusal("cannot be read: errno \(errno)") }
    guard status.st_mode & S_IFMT == S_IFREG else { throw refusal("is no regular file") }
    // A secret that Kubernetes mounts belongs to root, and to the pod by its group.
    guard status.st_mode & 0o037 == 0 else {
      throw refusal("must be its owner's, and at most readable by its group (mode 600 or 440)")
    }
    guard allowedBytes.contains(Int(status.st_size)),
      let bytes = FileManager.default.contents(atPath: path), allowedBytes.contains(bytes.count)
    else { throw refusal("must have \(allowedBytes) bytes, has \(status.st_size)") }
    return Array(bytes)
  }
}
