import CStoreIO
import Glibc
package import MeshTypes

/// A directory of the file system, locked for one process as long as this object lives.
///
/// Files are opened past the page cache (O_DIRECT) where the file system can do that: the DRAM tier
/// is the cache, and a second copy in the kernel would be paid for in memory and in copying.
package final class SegmentDirectory: SegmentDevice {
  /// The name of the file that is locked.
  package static let lockName = "LOCK"

  /// Who else may use the directory.
  package enum Access: Sendable {
    /// Nobody else: for a store.
    case exclusive
    /// Anybody, for nothing is changed: for looking into segments.
    case readOnly
  }

  /// How the reads of a ``ReadQueue`` are made.
  package enum Reading: String, Hashable, Sendable, CaseIterable {
    /// Through io_uring where the kernel has it, else one by one.
    case automatic
    /// Through io_uring.
    case ring
    /// One by one.
    case blocking
  }

  private let path: String
  private let access: Access
  private let directory: Int32
  /// Negative if there is none.
  private let lock: Int32
  /// Whether reads and writes go past the page cache.
  package let isDirect: Bool
  /// Whether reads of a ``ReadQueue`` go through io_uring.
  package let usesRing: Bool

  /// Opens a directory; for exclusive access locks it, and creates it (but not its parents) if it
  /// is missing.
  ///
  /// - Parameters:
  ///   - path: The directory.
  ///   - access: Who else may use it.
  ///   - direct: Whether to try O_DIRECT, which is for exclusive access only.
  ///   - reading: How to make the reads of a ``ReadQueue``.
  /// - Throws: `failedPrecondition` if it cannot be opened or made, if another store has locked it,
  ///   or if io_uring is asked for and not there. The field is the path.
  package init(
    path: String,
    access: Access = .exclusive,
    direct: Bool = true,
    reading: Reading = .automatic
  ) throws(MeshError) {
    func failure(_ reason: String) -> MeshError {
      MeshError(.failedPrecondition, "the store's directory '\(path)' \(reason)", field: path)
    }
    func failure(code: Int32) -> MeshError {
      failure("cannot be used: \(String(cString: strerror(code)))")
    }
    if access == .exclusive, mkdir(path, 0o700) != 0, errno != EEXIST {
      throw failure(code: errno)
    }
    let hasRing = reading != .blocking && KernelRing(depth: 1) != nil
    guard hasRing || reading != .ring else {
      throw failure("cannot be read with io_uring, which this system does not allow")
    }
    let directory = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw failure(code: errno) }
    let lock = access == .exclusive ? wk_lock_file(directory, Self.lockName) : -1
    if access == .exclusive, lock < 0 {
      close(directory)
      throw lock == -EWOULDBLOCK ? failure("is in use by another store") : failure(code: -lock)
    }
    self.path = path
    self.access = access
    self.directory = directory
    self.lock = lock
    usesRing = hasRing
    isDirect = direct && access == .exclusive && Self.canOpenDirect(in: directory)
  }

  deinit {
    if lock >= 0 { wk_unlock_file(lock) }
    close(directory)
  }

  private static func canOpenDirect(in directory: Int32) -> Bool {
    let descriptor = wk_open(directory, lockName, WK_READ, true)
    if descriptor >= 0 { close(descriptor) }
    return descriptor >= 0
  }

  package func fileNames() throws(DeviceError) -> [String] {
    let descriptor = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw DeviceError("open", path, code: errno) }
    guard let stream = fdopendir(descriptor) else {
      let code = errno
      close(descriptor)
      throw DeviceError("fdopendir", path, code: code)
    }
    defer { closedir(stream) }
    var names: [String] = []
    errno = 0
    while let entry = readdir(stream) {
      let name = String(cString: wk_name(entry))
      if name != ".", name != ".." { names.append(name) }
      errno = 0
    }
    guard errno == 0 else { throw DeviceError("readdir", path, code: errno) }
    return names
  }

  package func create(_ name: String) throws(DeviceError) -> any SegmentFile {
    try file(name, WK_CREATE)
  }

  package func open(_ name: String) throws(DeviceError) -> any SegmentFile {
    try file(name, access == .exclusive ? WK_WRITE : WK_READ)
  }

  private func file(_ name: String, _ mode: wk_mode) throws(DeviceError) -> any SegmentFile {
    let descriptor = wk_open(directory, name, mode, isDirect)
    guard descriptor >= 0 else { throw DeviceError("open", name, code: -descriptor) }
    return OpenSegmentFile(name: name, descriptor: descriptor)
  }

  package func remove(_ name: String) throws(DeviceError) {
    guard unlinkat(directory, name, 0) == 0 || errno == ENOENT else {
      throw DeviceError("unlink", name, code: errno)
    }
  }

  package func syncDirectory() throws(DeviceError) {
    guard fsync(directory) == 0 else { throw DeviceError("fsync", path, code: errno) }
  }

  package func makeReadRing(depth: Int) -> (any ReadRing)? {
    usesRing ? KernelRing(depth: depth) : nil
  }
}
