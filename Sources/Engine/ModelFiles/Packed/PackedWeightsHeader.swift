import CChecksum
import MeshTypes

/// What a file of packed weights says about itself; docs/formats/packed-weights.md.
package struct PackedWeightsHeader: Hashable, Sendable {
  /// How matrices are arranged: what the kernels of the writer called it.
  package var arrangement: String
  /// The model's files as they were when they were packed.
  package var sources: [FileIdentity]
  /// The model's digest, 32 bytes.
  package var digest: [UInt8]
  /// Runs of tensors that are used together, in file order.
  package var sections: [PackedSection]
  /// All tensors, by section.
  package var tensors: [PackedTensor]

  package init(
    arrangement: String,
    sources: [FileIdentity],
    digest: [UInt8],
    sections: [PackedSection],
    tensors: [PackedTensor]
  ) {
    self.arrangement = arrangement
    self.sources = sources
    self.digest = digest
    self.sections = sections
    self.tensors = tensors
  }
}

/// A run of tensors in a file of packed weights.
package struct PackedSection: Hashable, Sendable {
  /// From the beginning of the file; a multiple of ``PackedWeightsLimits/pageByteCount``, as is
  /// ``byteCount``, so that a section can be read past the page cache.
  package var byteOffset: Int
  package var byteCount: Int
  /// CRC32C of the section's bytes.
  package var checksum: UInt32
}

/// A tensor in a file of packed weights.
package struct PackedTensor: Hashable, Sendable {
  /// What its bytes are.
  package enum Kind: Hashable, Sendable {
    /// f32 values.
    case vector
    /// Packed as the kernels have it: ggml's type number before packing, and sizes.
    case matrix(ggmlType: UInt32, hasWideScales: Bool, columns: Int, depth: Int)
  }

  package var name: String
  package var kind: Kind
  /// The section that it lies in.
  package var section: Int
  /// From the beginning of the section; a multiple of ``PackedWeightsLimits/tensorAlignment``.
  package var byteOffset: Int
  package var byteCount: Int
}

/// Bounds of a file of packed weights.
package enum PackedWeightsLimits {
  /// What sections begin at a multiple of.
  package static let pageByteCount = 4096
  /// What tensors begin at a multiple of: a cache line, and the widest vector.
  package static let tensorAlignment = 64
  static let version: UInt32 = 1
  static let magic = Array("WEFTPACK".utf8)
  static let tableByteCount = 64 << 20
  static let nameByteCount = 1024
  static let sourceCount = 4096
  static let sectionCount = 4097
  static let tensorCount = 1 << 18
}

extension PackedWeightsHeader {
  /// Reads the table.
  ///
  /// - Parameter fileByteCount: Where the last section ends at the latest.
  /// - Throws: `corrupted` when anything is out of bounds.
  init(table: UnsafeRawBufferPointer, fileByteCount: Int) throws(MeshError) {
    typealias Limits = PackedWeightsLimits
    var cursor = ByteCursor(table)
    cursor.subject = "packed weights"
    arrangement = try cursor.string(maximumByteCount: Limits.nameByteCount)
    digest = try cursor.elements(32)
    let sourceCount = try cursor.count(
      of: "files",
      limit: Limits.sourceCount,
      minimumByteCount: 40
    )
    sources = []
    for _ in 0..<sourceCount { sources.append(try FileIdentity(from: &cursor)) }
    let sectionCount = try cursor.count(
      of: "sections",
      limit: Limits.sectionCount,
      minimumByteCount: 20
    )
    sections = []
    for _ in 0..<sectionCount {
      sections.append(try PackedSection(from: &cursor, fileByteCount: fileByteCount))
    }
    let tensorCount = try cursor.count(
      of: "tensors",
      limit: Limits.tensorCount,
      minimumByteCount: 48
    )
    tensors = []
    for _ in 0..<tensorCount { tensors.append(try PackedTensor(from: &cursor, sections)) }
    guard cursor.remaining == 0 else { throw cursor.corrupted("the table is too long") }
  }

  /// The first bytes of a file whose table lies at an offset.
  package func preamble(table: [UInt8], at byteOffset: Int) -> [UInt8] {
    var bytes = PackedWeightsLimits.magic
    bytes.append(integer: PackedWeightsLimits.version)
    bytes.append(integer: wk_crc32c(0, table, table.count))
    bytes.append(integer: UInt64(byteOffset))
    bytes.append(integer: UInt64(table.count))
    return bytes
  }

  /// The table's bytes.
  package var table: [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(text: arrangement)
    bytes += digest
    bytes.append(integer: UInt64(sources.count))
    for source in sources {
      bytes.append(text: source.path)
      bytes.append(integer: source.inode)
      bytes.append(integer: source.byteCount)
      bytes.append(integer: source.modifiedNanoseconds)
      bytes.append(integer: source.changedNanoseconds)
    }
    bytes.append(integer: UInt64(sections.count))
    for section in sections {
      bytes.append(integer: UInt64(section.byteOffset))
      bytes.append(integer: UInt64(section.byteCount))
      bytes.append(integer: section.checksum)
    }
    bytes.append(integer: UInt64(tensors.count))
    for tensor in tensors { tensor.append(to: &bytes) }
    return bytes
  }
}

extension FileIdentity {
  fileprivate init(from cursor: inout ByteCursor) throws(MeshError) {
    self.init(
      path: try cursor.string(maximumByteCount: 4 * PackedWeightsLimits.nameByteCount),
      inode: try cursor.integer(),
      byteCount: try cursor.integer(),
      modifiedNanoseconds: try cursor.integer(),
      changedNanoseconds: try cursor.integer()
    )
  }
}

extension PackedSection {
  fileprivate init(
    from cursor: inout ByteCursor,
    fileByteCount: Int
  ) throws(MeshError) {
    let offset = try cursor.integer(UInt64.self), count = try cursor.integer(UInt64.self)
    let page = UInt64(PackedWeightsLimits.pageByteCount), size = UInt64(fileByteCount)
    guard
      offset.isMultiple(of: page), count.isMultiple(of: page), count > 0, offset <= size,
      count <= size - offset
    else { throw cursor.corrupted("a section of \(count) bytes at \(offset) is out of place") }
    byteOffset = Int(offset)
    byteCount = Int(count)
    checksum = try cursor.integer()
  }
}

extension PackedTensor {
  fileprivate init(
    from cursor: inout ByteCursor,
    _ sections: [PackedSection]
  ) throws(MeshError) {
    name = try cursor.string(maximumByteCount: PackedWeightsLimits.nameByteCount)
    let section = try cursor.integer(UInt32.self), isMatrix = try cursor.boolean()
    let ggmlType = try cursor.integer(UInt32.self), hasWideScales = try cursor.boolean()
    let sizes: [UInt64] = try cursor.elements(4)
    let offset = sizes[2], count = sizes[3]
    guard
      section < sections.count, sizes[0] <= Int32.max, sizes[1] <= Int32.max,
      case let room = UInt64(sections[Int(section)].byteCount), offset <= room,
      count <= room - offset, offset.isMultiple(of: UInt64(PackedWeightsLimits.tensorAlignment)),
      count > 0, isMatrix || count.isMultiple(of: 4)
    else { throw cursor.corrupted("tensor \(name.quoted) is out of place") }
    kind =
      isMatrix
      ? .matrix(
        ggmlType: ggmlType,
        hasWideScales: hasWideScales,
        columns: Int(sizes[0]),
        depth: Int(sizes[1])
      ) : .vector
    self.section = Int(section)
    byteOffset = Int(offset)
    byteCount = Int(count)
  }

  fileprivate func append(to bytes: inout [UInt8]) {
    bytes.append(text: name)
    bytes.append(integer: UInt32(section))
    var sizes = (columns: 0, depth: 0)
    switch kind {
    case .vector: bytes += [0, 0, 0, 0, 0, 0]
    case .matrix(let ggmlType, let hasWideScales, let columns, let depth):
      bytes.append(1)
      bytes.append(integer: ggmlType)
      bytes.append(hasWideScales ? 1 : 0)
      sizes = (columns, depth)
    }
    for size in [sizes.columns, sizes.depth, byteOffset, byteCount] {
      bytes.append(integer: UInt64(size))
    }
  }
}

extension [UInt8] {
  // A name of its own: a literal would rather be an Int than the byte that it is meant to be.
  /// Adds an integer, little-endian.
  mutating func append(integer value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }

  /// Adds a string as ``ByteCursor/string(maximumByteCount:)`` reads it.
  mutating func append(text: String) {
    append(integer: UInt64(text.utf8.count))
    self += Array(text.utf8)
  }
}
