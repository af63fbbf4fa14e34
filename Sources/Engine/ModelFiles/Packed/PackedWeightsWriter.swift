import CChecksum
import Glibc
package import MeshTypes

/// Writes a file of packed weights, which appears at its path as a whole or not at all.
///
/// The bytes go to a neighbouring file with `.partial` at its name's end, which one writer at a time
/// has locked, and which takes the place of the real one once all of it is on the disk. What a crash
/// leaves is overwritten by the next writer.
package final class PackedWeightsWriter {
  private let path: String
  private let descriptor: Int32
  private var byteOffset = PackedWeightsLimits.pageByteCount
  private var sections: [PackedSection] = []
  private var tensors: [PackedTensor] = []
  private var isFinished = false

  private var partialPath: String { "\(path).partial" }

  /// Makes the folder if need be, and waits until no other writer is at work on the same file.
  ///
  /// - Throws: ``MeshError`` `failedPrecondition` when the file cannot be written there.
  package init(path: String) throws(MeshError) {
    self.path = path
    if let slash = path.lastIndex(of: "/") {
      Self.makeFolders(String(path[..<slash]))
    }
    descriptor = try Self.lock("\(path).partial")
    guard ftruncate(descriptor, 0) == 0 else { throw Self.failure(path) }
  }

  deinit {
    if !isFinished {
      unlink(partialPath)
      close(descriptor)
    }
  }

  /// Begins a run of tensors that are used together.
  package func beginSection() throws(MeshError) {
    try endSection()
    sections.append(PackedSection(byteOffset: byteOffset, byteCount: 0, checksum: 0))
  }

  /// Adds a tensor to the section that was begun last.
  ///
  /// - Parameter bytes: At least one.
  /// - Throws: ``MeshError`` `resourceExhausted` when the disk is full, or `unavailable` for another
  ///   failure. The file is then of no use.
  package func append(
    _ name: String,
    kind: PackedTensor.Kind,
    bytes: UnsafeRawBufferPointer
  ) throws(MeshError) {
    precondition(!sections.isEmpty && !bytes.isEmpty, "no section, or no bytes")
    try pad(to: PackedWeightsLimits.tensorAlignment)
    tensors.append(
      PackedTensor(
        name: name,
        kind: kind,
        section: sections.count - 1,
        byteOffset: byteOffset - sections[sections.count - 1].byteOffset,
        byteCount: bytes.count
      )
    )
    try write(bytes)
  }

  /// Adds a vector of f32.
  package func append(_ name: String, vector: [Float]) throws(MeshError) {
    let bytes = vector.flatMap { value in
      withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
    }
    // A typed throw does not pass through the array's own method.
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    try append(name, kind: .vector, bytes: UnsafeRawBufferPointer(copy))
  }

  /// Puts the file in its place, once all of it is on the disk.
  package func finish(
    arrangement: String,
    sources: [FileIdentity],
    digest: [UInt8]
  ) throws(MeshError) {
    try endSection()
    let header = PackedWeightsHeader(
      arrangement: arrangement,
      sources: sources,
      digest: digest,
      sections: sections,
      tensors: tensors
    )
    let table = header.table
    try write(table, at: byteOffset)
    try write(header.preamble(table: table, at: byteOffset), at: 0)
    guard fsync(descriptor) == 0, rename(partialPath, path) == 0 else { throw Self.failure(path) }
    isFinished = true
    close(descriptor)
    syncFolder()
  }

  private func endSection() throws(MeshError) {
    guard let last = sections.indices.last, sections[last].byteCount == 0 else { return }
    try pad(to: PackedWeightsLimits.pageByteCount)
    sections[last].byteCount = byteOffset - sections[last].byteOffset
  }

  private func pad(to alignment: Int) throws(MeshError) {
    let count = -byteOffset & (alignment - 1)
    guard count > 0 else { return }
    let zeroes = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
    defer { zeroes.deallocate() }
    zeroes.initializeMemory(as: UInt8.self, repeating: 0)
    try write(UnsafeRawBufferPointer(zeroes))
  }

  /// Writes bytes of the section behind the last ones.
  private func write(_ bytes: UnsafeRawBufferPointer) throws(MeshError) {
    let last = sections.count - 1
    sections[last].checksum = wk_crc32c(sections[last].checksum, bytes.baseAddress, bytes.count)
    try write(bytes, at: byteOffset)
    byteOffset += bytes.count
  }

  private func write(_ bytes: [UInt8], at offset: Int) throws(MeshError) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    try write(UnsafeRawBufferPointer(copy), at: offset)
  }

  private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(MeshError) {
    var done = 0
    while done < bytes.count {
      let count = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, offset + done)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw Self.failure(path) }
      done += count
    }
  }

  /// So that the new name outlives a crash; without it the old file does, which is right too.
  private func syncFolder() {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    let descriptor = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }

  private static func makeFolders(_ path: String) {
    var folder = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      folder += part
      mkdir(folder, 0o700)
      folder += "/"
    }
  }

  /// Opens a file and takes its lock; again if it was renamed while we waited.
  private static func lock(_ path: String) throws(MeshError) -> Int32 {
    while true {
      let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
      guard descriptor >= 0 else { throw failure(path) }
      while flock(descriptor, LOCK_EX) != 0 {
        guard errno == EINTR else {
          let failure = failure(path)
          close(descriptor)
          throw failure
        }
      }
      var ours = stat(), named = stat()
      if fstat(descriptor, &ours) == 0, stat(path, &named) == 0, ours.st_ino == named.st_ino {
        return descriptor
      }
      close(descriptor)
    }
  }

  private static func failure(_ path: String) -> MeshError {
    let isFull = errno == ENOSPC || errno == EDQUOT || errno == EFBIG
    return MeshError(
      isFull ? .resourceExhausted : .failedPrecondition,
      "cannot write \(path.quoted): \(String(cString: strerror(errno)))",
      field: path
    )
  }
}
