import MeshTypes
import ModelFiles
import Testing

@Suite("Malformed tensors")
struct TensorDescriptionTests {
  /// The header of a file with tensors `a` and `w`, both of 8 floats, after a change to `w`.
  private func parse(changing change: (inout GGUFWriter.Tensor) -> Void) throws -> GGUFHeader {
    var writer = GGUFWriter()
    writer.add(tensor: "a", dimensions: [8])
    writer.add(tensor: "w", dimensions: [8])
    change(&writer.tensors[1])
    return try ModelFilesTests.parse(writer.encoded())
  }

  @Test("are not what the suite's file has unchanged")
  func unchanged() throws {
    #expect(try parse { _ in }.tensors.map(\.name) == ["a", "w"])
  }

  @Test("types that Weft does not compute with", arguments: [4, 5, 9, 10, 31, 1000] as [UInt32])
  func type(number: UInt32) {
    expect(.unimplemented, "w", ["\"w\"", "type \(number);", "Q4_1 (3)", "F32 (0)", "BF16 (30)"]) {
      _ = try parse { $0.ggmlType = number }
    }
  }

  @Test("no or too many dimensions", arguments: [0, 5])
  func rank(rank: Int) {
    expect(.corrupted, "w", ["1...4", "\(rank)"]) {
      _ = try parse { $0.dimensions = Array(repeating: 1, count: rank) }
    }
  }

  @Test("sizes that are zero or overflow")
  func dimensions() {
    expect(.corrupted, "w", ["dimension 1 is 0"]) { _ = try parse { $0.dimensions = [8, 0] } }
    expect(.corrupted, "w", ["\(UInt64.max)"]) { _ = try parse { $0.dimensions = [.max] } }
    expect(.corrupted, "w", ["overflows"]) {
      _ = try parse { $0.dimensions = [1 << 31, 1 << 31, 2] }
    }
    expect(.corrupted, "w", ["overflow"]) { _ = try parse { $0.dimensions = [1 << 62] } }
  }

  @Test("rows that are not whole blocks")
  func blocks() {
    expect(.corrupted, "w", ["32", "48", "Q4_1"]) {
      _ = try parse {
        $0.ggmlType = TensorType.q4_1.ggmlType
        $0.dimensions = [48, 2]
      }
    }
    expect(.corrupted, "w", ["256", "32", "Q6_K"]) {
      _ = try parse {
        $0.ggmlType = TensorType.q6_K.ggmlType
        $0.dimensions = [32, 8]
      }
    }
  }

  @Test("offsets beyond the file", arguments: [64, 1 << 40, 1 << 62, (1 << 63) - 32, 1 << 63])
  func offset(offset: UInt64) {
    expect(.corrupted, "w", ["end of the file"]) { _ = try parse { $0.offset = offset } }
  }

  @Test("offsets that are not aligned")
  func alignment() {
    expect(.corrupted, "w", ["48", "alignment 32"]) { _ = try parse { $0.offset = 48 } }
  }

  @Test("bytes missing at the end")
  func truncated() {
    expect(.corrupted, "w", ["end of the file"]) { _ = try parse { $0.bytes.removeLast() } }
    expect(.corrupted, "w", ["end of the file"]) { _ = try parse { $0.dimensions = [9] } }
  }

  @Test("bytes shared with another tensor")
  func overlap() {
    expect(.corrupted, "w", ["overlaps", "\"a\""]) { _ = try parse { $0.offset = 0 } }
  }

  @Test("names that are empty, too long, or there twice")
  func names() {
    expect(.corrupted, "tensor 1", ["empty"]) { _ = try parse { $0.name = "" } }
    expect(.corrupted, "tensor 1", ["257", "256"]) {
      _ = try parse { $0.name = String(repeating: "w", count: 257) }
    }
    expect(.corrupted, "a", ["twice"]) { _ = try parse { $0.name = "a" } }
  }

  @Test("control characters in names do not reach the message")
  func quoting() {
    expect(.notFound, "\u{1B}[2J", [#""\u{1B}[2J""#]) {
      _ = try GGUFMetadata([]).string("\u{1B}[2J")
    }
  }
}
