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

  private let path: String
  private let access: Access
  private let directory: Int32
  /// Negative if there is none.
  private let lock: Int32
  /// Whether reads and writes go past the page cache.
  package let isDirect: Bool

  /// Opens a directory; for exclusive access locks it, and creates it (but not its parents) if it
  /// is missing.
  ///
  /// - Parameters:
  ///   - path: The directory.
  ///   - access: Who else may use it.
  ///   - direct: Whether to try O_DIRECT, which is for exclusive access only.
  /// - Throws: `failedPrecondition` if it cannot be opened or made, or if another store has locked
  ///   it. The field is the path.
  package init(
    path: String,
    access: Access = .exclusive,
    direct: Bool = true
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
    return OpenFile(name: name, descriptor: descriptor)
  }

  package func remove(_ name: String) throws(DeviceError) {
    guard unlinkat(directory, name, 0) == 0 || errno == ENOENT else {
      throw DeviceError("unlink", name, code: errno)
    }
  }

  package func syncDirectory() throws(DeviceError) {
    guard fsync(directory) == 0 else { throw DeviceError("fsync", path, code: errno) }
  }
}

/// A file by its descriptor, read and written with pread and pwrite.
private final class OpenFile: SegmentFile {
  private let name: String
  private let descriptor: Int32

  init(name: String, descriptor: Int32) {
    self.name = name
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  func byteCount() throws(DeviceError) -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure("fstat") }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw DeviceError("fstat", name, code: EINVAL)
    }
    return status.st_size
  }

  func read(
    into buffer: inout PageBuffer,
    _ range: Range<Int>,
    from offset: Int
  ) throws(DeviceError) -> Int {
    var done = 0
    while done < range.count {
      let result = pread(
        descriptor,
        buffer.at(range.lowerBound + done..<range.upperBound).baseAddress,
        range.count - done,
        off_t(offset + done)
      )
      if result < 0 {
        if errno == EINTR { continue }
        throw failure("read")
      }
      done += result
      // What is no whole page is the end of the file: O_DIRECT could not go on from there.
      if result == 0 || done % PageBuffer.pageBytes != 0 { break }
    }
    return done
  }

  func write(
    _ buffer: borrowing PageBuffer,
    _ range: Range<Int>,
    to offset: Int
  ) throws(DeviceError) -> Int {
    while true {
      let result = pwrite(descriptor, buffer.at(range).baseAddress, range.count, off_t(offset))
      if result >= 0 { return result }
      guard errno == EINTR else { throw failure("write") }
    }
  }

  func truncate(to byteCount: Int) throws(DeviceError) {
    guard ftruncate(descriptor, off_t(byteCount)) == 0 else { throw failure("truncate") }
  }

  func sync() throws(DeviceError) {
    guard fdatasync(descriptor) == 0 else { throw failure("fdatasync") }
  }

  private func failure(_ operation: String) -> DeviceError {
    DeviceError(operation, name, code: errno)
  }
}
