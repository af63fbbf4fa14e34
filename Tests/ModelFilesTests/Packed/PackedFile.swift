import Foundation
import ModelFiles
import TestSupport

/// A file of packed weights with random contents.
struct PackedFile {
  let path: String
  /// By tensor name, in file order.
  private(set) var contents: [(name: String, bytes: [UInt8])] = []

  static let digest = [UInt8](1...32)
  static let source = FileIdentity(
    path: "/models/a.gguf",
    inode: 7,
    byteCount: 1 << 33,
    modifiedNanoseconds: -1,
    changedNanoseconds: .max
  )

  /// Writes a file.
  ///
  /// - Parameter sections: Bytes of the tensors of each section.
  init(path: String, sections: [[Int]], seed: UInt64 = 1) throws {
    self.path = path
    var random = SeededGenerator(seed: seed)
    let writer = try PackedWeightsWriter(path: path)
    for (section, sizes) in sections.enumerated() {
      try writer.beginSection()
      for (index, size) in sizes.enumerated() {
        let name = "\(section).\(index)"
        let bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
        try bytes.withUnsafeBytes {
          try writer.append(name, kind: Self.kind(index), bytes: $0)
        }
        contents.append((name, bytes))
      }
    }
    try writer.finish(arrangement: "test-v1", sources: [Self.source], digest: Self.digest)
  }

  static func kind(_ index: Int) -> PackedTensor.Kind {
    .matrix(ggmlType: UInt32(index), hasWideScales: index == 1, columns: 3, depth: 5 + index)
  }

  /// The bytes on the disk.
  func encoded() throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

  /// Replaces the file.
  func replace(with bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(filePath: path), options: .atomic)
  }
}

extension PackedWeightsFile {
  /// The bytes of a tensor.
  func bytes(of tensor: PackedTensor) -> [UInt8] { withBytes(of: tensor) { Array($0) } }
}

extension PackedWeightsHeader {
  /// A file with this table instead of its own.
  func encoded(behind file: [UInt8]) -> [UInt8] {
    let offset = file[16..<24].reversed().reduce(0) { $0 << 8 | Int($1) }
    var bytes = Array(file[..<offset]) + table
    let preamble = preamble(table: table, at: offset)
    bytes.replaceSubrange(0..<preamble.count, with: preamble)
    return bytes
  }
}
