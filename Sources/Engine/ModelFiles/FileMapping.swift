import Glibc
import MeshTypes

/// A whole regular file mapped into memory, read-only, for as long as this object lives.
///
/// The mapping is private, so writes of others to the file may or may not be seen; a file that
/// others truncate while it is mapped kills the process with SIGBUS at the next read beyond its new
/// end. Replace model files by renaming, never in place.
final class FileMapping: Sendable {
  /// The file as it was opened.
  let identity: FileIdentity
  /// The user that the file belongs to.
  let ownerID: UInt32

  private let address: UInt
  private let byteCount: Int

  /// The bytes, valid as long as this object lives.
  var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: address), count: byteCount)
  }

  /// Maps a file.
  ///
  /// - Throws: `notFound` if there is none at `path`; `failedPrecondition` if it cannot be opened,
  ///   is not a regular file, or changes its size meanwhile; `corrupted` if it is empty. The field
  ///   is the path.
  init(path: String) throws(MeshError) {
    func failure(_ code: MeshError.Code, _ reason: String) -> MeshError {
      MeshError(code, "cannot map \(path.quoted): \(reason)", field: path)
    }
    // O_NONBLOCK: opening a pipe must fail below instead of waiting for a writer.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      let missing = errno == ENOENT || errno == ENOTDIR
      throw failure(missing ? .notFound : .failedPrecondition, String(cString: strerror(errno)))
    }
    defer { close(descriptor) }

    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw failure(.failedPrecondition, "not a regular file")
    }
    guard status.st_size > 0 else { throw failure(.corrupted, "the file is empty") }
    let size = status.st_size
    guard
      let mapped = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), mapped != MAP_FAILED
    else {
      throw failure(.failedPrecondition, String(cString: strerror(errno)))
    }
    guard fstat(descriptor, &status) == 0, status.st_size == size else {
      munmap(mapped, size)
      throw failure(.failedPrecondition, "the file changed its size while it was opened")
    }
    address = UInt(bitPattern: mapped)
    byteCount = size
    identity = FileIdentity(path: Self.absolute(path), status: status)
    ownerID = status.st_uid
  }

  private static func absolute(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// Asks the system to read a part of the file, in parallel to whatever comes next.
  func readAhead(_ range: Range<Int>) {
    let page = 4096
    let begin = range.lowerBound & ~(page - 1)
    guard let start = UnsafeMutableRawPointer(bitPattern: address + UInt(begin)) else { return }
    madvise(start, range.upperBound - begin, MADV_WILLNEED)
  }

  /// Lends a part of the bytes, which must lie in the file.
  func withBytes<R, E: Error>(
    at offset: Int,
    count: Int,
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    precondition(
      offset >= 0 && count >= 0 && offset <= byteCount && count <= byteCount - offset,
      "a tensor of another file"
    )
    defer { withExtendedLifetime(self) {} }
    return try body(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
  }

  deinit { munmap(UnsafeMutableRawPointer(bitPattern: address), byteCount) }
}
