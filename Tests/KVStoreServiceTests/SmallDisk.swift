import Glibc
import SystemPackage

/// A file system of 1 MiB in memory.
struct SmallDisk {
  private let path: String

  /// Mounts it at an existing directory.
  init(at path: String) throws {
    guard mount("tmpfs", path, "tmpfs", 0, "size=1m") == 0 else { throw Errno(rawValue: errno) }
    self.path = path
  }

  func unmount() { umount2(path, Int32(MNT_DETACH)) }

  /// Whether this process may mount.
  static let canMount: Bool = {
    var template = Array("/tmp/weft-mount-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { return false }
    let path = String(cString: made)
    defer { rmdir(path) }
    guard let disk = try? SmallDisk(at: path) else { return false }
    disk.unmount()
    return true
  }()
}
