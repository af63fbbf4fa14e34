import GRPCCoreTransport
import Glibc
import MeshTypes

/// A private directory for a mesh's unix sockets, removed with what is left in it.
struct SocketDirectory {
  let path: String

  /// Where a mesh without a store on disk keeps its key.
  var keyFile: String { "\(path)/mesh.key" }

  /// Makes a new directory that only this user can enter, below `$XDG_RUNTIME_DIR` or `/tmp`.
  init() throws(MeshError) {
    let parent = getenv("XDG_RUNTIME_DIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/weft-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw MeshError(
        .failedPrecondition,
        "cannot make a directory for sockets in \(parent): errno \(errno)"
      )
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Removes the sockets of `plan` that are left, and the directory.
  func remove(_ plan: MeshPlan) {
    for process in plan.processes {
      if case .unix(let path) = process.address { unlink(path) }
    }
    unlink(keyFile)
    rmdir(path)
  }
}
