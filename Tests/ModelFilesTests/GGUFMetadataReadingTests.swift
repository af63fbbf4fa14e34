import MeshTypes
import ModelFiles
import Testing

@Suite("Malformed metadata")
struct GGUFMetadataReadingTests {
  /// The header of a file with one metadata pair whose bytes after the key are given.
  private func parseValue(type: UInt32, _ parts: any FixedWidthInteger...) throws -> GGUFHeader {
    var writer = GGUFWriter()
    writer.claimedMetadataCount = 1
    var file = Array(writer.encoded().prefix(24))
    file += bytes(UInt64(1)) + Array("k".utf8) + bytes(type)
    for part in parts { file += bytes(part) }
    return try parse(file)
  }

  private func bytes<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  @Test("unknown value types", arguments: [13, 99, .max] as [UInt32])
  func unknownType(type: UInt32) {
    expect(.corrupted, "k", ["0...12", "\(type)"]) { _ = try parseValue(type: type, 0 as UInt64) }
    expect(.corrupted, "k", ["0...12", "\(type)"]) {
      _ = try parseValue(type: 9, type, 0 as UInt64)
    }
  }

  @Test("booleans that are neither 0 nor 1")
  func boolean() {
    expect(.corrupted, "k", ["0 or 1", "2"]) { _ = try parseValue(type: 7, 2 as UInt8) }
    expect(.corrupted, "k", ["0 or 1", "255"]) {
      _ = try parseValue(type: 9, 7 as UInt32, 2 as UInt64, 1 as UInt8, 255 as UInt8)
    }
  }

  @Test(
    "strings longer than the file",
    arguments: [3, 1 << 24, 1 << 25, 1 << 63, .max] as [UInt64]
  )
  func stringLength(length: UInt64) {
    expect(.corrupted, "k", ["\(length)"]) { _ = try parseValue(type: 8, length, 0 as UInt16) }
  }

  @Test(
    "strings that are not UTF-8",
    arguments: [[0xFF], [0xC3], [0xED, 0xA0, 0x80]] as [[UInt8]]
  )
  func encoding(text: [UInt8]) {
    var packed: UInt32 = 0
    for (index, byte) in text.enumerated() { packed |= UInt32(byte) << (8 * index) }
    expect(.corrupted, "k", ["UTF-8"]) {
      _ = try parseValue(type: 8, UInt64(text.count), packed)
    }
    expect(.corrupted, "k", ["UTF-8"]) {
      _ = try parseValue(type: 9, 8 as UInt32, 1 as UInt64, UInt64(text.count), packed)
    }
  }

  @Test(
    "arrays longer than the file",
    arguments: [0, 4, 7, 8, 9, 12] as [UInt32],
    [9, 1 << 24, 1 << 61, .max] as [UInt64]
  )
  func arrayLength(type: UInt32, length: UInt64) {
    expect(.corrupted, "k", ["\(length)"]) {
      _ = try parseValue(type: 9, type, length, 0 as UInt64)
    }
  }

  @Test("arrays nested too deep")
  func nesting() throws {
    func nested(_ depth: Int) -> GGUFValue.Elements {
      depth == 1 ? .uint8([1]) : .array([nested(depth - 1)])
    }
    var writer = GGUFWriter()
    writer.add("deep", .array(nested(4)))
    #expect(try parse(writer.encoded()).metadata["deep"] == .array(nested(4)))
    writer.metadata[0].value = .array(nested(5))
    expect(.corrupted, "deep", ["4 deep"]) { _ = try parse(writer.encoded()) }
    let once = bytes(UInt32(9)) + bytes(UInt64(1))
    let header = writer.encoded().prefix(24 + 8 + 4 + 4)
    expect(.corrupted, "deep", ["4 deep"]) {
      _ = try parse(Array(header) + Array(repeating: once, count: 100_000).joined())
    }
  }

  @Test("keys that are empty, too long, or there twice")
  func keys() {
    var writer = GGUFWriter()
    writer.add("", .uint32(0))
    expect(.corrupted, "metadata pair 0", ["empty"]) { _ = try parse(writer.encoded()) }
    writer.metadata[0].key = String(repeating: "k", count: 1025)
    expect(.corrupted, "metadata pair 0", ["1025", "1024"]) { _ = try parse(writer.encoded()) }
    writer.metadata[0].key = "k"
    writer.add("k", .uint32(0))
    expect(.corrupted, "k", ["twice"]) { _ = try parse(writer.encoded()) }
  }

  @Test(
    "alignments other than powers of two from 8 to 65536",
    arguments: [0, 1, 4, 7, 24, 65_537, 131_072, .max] as [UInt32]
  )
  func alignment(alignment: UInt32) {
    var writer = GGUFWriter()
    writer.add("general.alignment", .uint32(alignment))
    expect(.corrupted, "general.alignment", ["\(alignment)"]) { _ = try parse(writer.encoded()) }
  }

  @Test("an alignment that is no integer")
  func alignmentType() {
    var writer = GGUFWriter()
    writer.add("general.alignment", .string("32"))
    expect(.corrupted, "general.alignment", ["string"]) { _ = try parse(writer.encoded()) }
  }
}
