import CChecksum
import CStoreIO
import Glibc
package import MeshTypes

/// A file of weights that were packed for the kernels before, mapped read-only into memory;
/// docs/formats/packed-weights.md.
///
/// Opening reads the table only. The file must not be written to while it is open: writers replace it
/// by renaming.
package final class PackedWeightsFile: Sendable {
  /// What the file says about itself; everything in it lies within the file.
  package let header: PackedWeightsHeader

  private let path: String
  private let mapping: FileMapping

  /// Opens and checks a file.
  ///
  /// - Throws: ``MeshError`` `notFound` if there is none, `failedPrecondition` if it cannot be opened
  ///   or belongs to another user, `unimplemented` for another version, `corrupted` when the preamble
  ///   or the table is. The field is the path, or the tensor.
  package init(path: String) throws(MeshError) {
    self.path = path
    mapping = try FileMapping(path: path)
    guard mapping.ownerID == geteuid() || mapping.ownerID == 0 else {
      throw MeshError(
        .failedPrecondition,
        "\(path.quoted) belongs to user \(mapping.ownerID): only our own weights are trusted",
        field: path
      )
    }
    header = try PackedWeightsHeader(file: mapping.bytes)
  }

  /// Lends the bytes of a tensor of this file, which stay where they are as long as this object lives.
  package func withBytes<R, E: Error>(
    of tensor: PackedTensor,
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    let offset = header.sections[tensor.section].byteOffset + tensor.byteOffset
    return try mapping.withBytes(at: offset, count: tensor.byteCount, body)
  }

  /// The values of a vector.
  package func values(of tensor: PackedTensor) -> [Float] {
    withBytes(of: tensor) { bytes in
      [Float](unsafeUninitializedCapacity: bytes.count / 4) { buffer, count in
        count = bytes.count / 4
        UnsafeMutableRawBufferPointer(buffer).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: bytes[..<(count * 4)])
        )
      }
    }
  }

  /// Asks the system to read sections ahead, all at once.
  package func readAhead(sections: Range<Int>) {
    guard let first = sections.first, let last = sections.last else { return }
    let begin = header.sections[first].byteOffset
    let end = header.sections[last].byteOffset + header.sections[last].byteCount
    mapping.readAhead(begin..<end)
  }

  /// Whether a section's bytes are those that were written; reads all of them.
  package func isIntact(section: Int) -> Bool {
    let section = header.sections[section]
    return mapping.withBytes(at: section.byteOffset, count: section.byteCount) { bytes in
      wk_crc32c(0, bytes.baseAddress, bytes.count) == section.checksum
    }
  }

  /// Opens the same file once more, to read past the page cache where the file system can.
  ///
  /// - Returns: A descriptor that the caller closes.
  /// - Throws: `failedPrecondition` when the file was replaced meanwhile.
  func reopen() throws(MeshError) -> Int32 {
    var descriptor = wk_open(AT_FDCWD, path, WK_READ, true)
    if descriptor < 0 { descriptor = wk_open(AT_FDCWD, path, WK_READ, false) }
    var status = stat()
    guard
      descriptor >= 0, fstat(descriptor, &status) == 0,
      FileIdentity(path: mapping.identity.path, status: status) == mapping.identity
    else {
      if descriptor >= 0 { close(descriptor) }
      throw MeshError(.failedPrecondition, "\(path.quoted) was replaced", field: path)
    }
    return descriptor
  }
}

extension PackedWeightsHeader {
  /// Reads preamble and table.
  fileprivate init(file: UnsafeRawBufferPointer) throws(MeshError) {
    typealias Limits = PackedWeightsLimits
    var cursor = ByteCursor(file)
    cursor.subject = "packed weights"
    guard try cursor.elements(8, of: UInt8.self) == Limits.magic else {
      throw cursor.corrupted("not a file of packed weights")
    }
    let version: UInt32 = try cursor.integer()
    guard version == Limits.version else {
      throw MeshError(
        .unimplemented,
        "packed weights must be of version \(Limits.version), are of \(version)",
        field: "packed weights"
      )
    }
    let checksum: UInt32 = try cursor.integer()
    let places: [UInt64] = try cursor.elements(2)
    guard
      places[0] <= UInt64(file.count), places[1] <= UInt64(file.count) - places[0],
      places[1] <= UInt64(Limits.tableByteCount)
    else { throw cursor.corrupted("the table is out of place") }
    let offset = Int(places[0]), count = Int(places[1])
    let table = UnsafeRawBufferPointer(rebasing: file[offset..<offset + count])
    guard wk_crc32c(0, table.baseAddress, count) == checksum else {
      throw cursor.corrupted("the table's checksum is wrong")
    }
    try self.init(table: table, fileByteCount: offset)
  }
}
