import MeshTypes
import ModelFiles
import TestSupport
import Testing

@Suite("safetensors header")
struct SafetensorsHeaderTests {
  @Test("Tensors of every type, in the order of their bytes")
  func everyType() throws {
    var writer = SafetensorsWriter()
    for type in SafetensorsType.allCases {
      writer.add("\(type)", type.rawValue, "[2,3]", byteCount: 6 * type.byteCount)
    }
    writer.add("scalar", "F32", "[]", byteCount: 4)
    writer.add("empty", "F32", "[0,3]", byteCount: 0)
    let file = writer.encoded()
    let tensors = try parseSafetensors(file).tensors
    #expect(tensors.count == SafetensorsType.allCases.count + 2)
    var end = file.count - writer.tensors.reduce(0) { $0 + $1.bytes.count }
    for (tensor, written) in zip(tensors, writer.tensors) {
      #expect(tensor.name == written.name)
      #expect(tensor.byteOffset == end)
      #expect(tensor.byteCount == written.bytes.count)
      end = tensor.endOffset
    }
    #expect(tensors[0].shape == [2, 3])
    #expect(tensors.first { $0.name == "bf16" }?.type.tensorType == .bf16)
    #expect(tensors.first { $0.name == "i64" }?.type.tensorType == nil)
  }

  @Test("A header of no tensors, without metadata")
  func noTensors() throws {
    var writer = SafetensorsWriter()
    writer.extra = ""
    #expect(try parseSafetensors(writer.encoded()).tensors.isEmpty)
  }

  @Test("A file shorter than its header, and a header beyond the limit")
  func headerLength() {
    var writer = SafetensorsWriter()
    expect(.corrupted, "header length") { _ = try parseSafetensors([1, 2, 3]) }
    for length: UInt64 in [1000, 100_000_000, 100_000_001, 1 << 40, .max] {
      writer.claimedHeaderByteCount = length
      expect(.corrupted, "header length") { _ = try parseSafetensors(writer.encoded()) }
    }
    writer.claimedHeaderByteCount = 3
    expect(.corrupted, "header") { _ = try parseSafetensors(writer.encoded()) }
  }

  /// An entry that is wrong, and words of the error.
  struct Fault: Sendable, CustomTestStringConvertible {
    var dtype = "F32"
    var shape = "[2]"
    var offsets: String?
    var code = MeshError.Code.corrupted
    var words: [String]

    var testDescription: String { "\(dtype) \(shape) \(offsets ?? "")" }
  }

  static let faults = [
    Fault(dtype: "Q4", code: .unimplemented, words: ["dtype", "BF16", "Q4"]),
    Fault(shape: "[3]", words: ["takes 12 bytes"]),
    Fault(shape: "[-2]", words: ["shape"]),
    Fault(shape: "[1.5]", words: ["shape"]),
    Fault(shape: "2", words: ["shape"]),
    Fault(shape: "[9223372036854775807,2]", words: ["overflows"]),
    Fault(shape: "[4611686018427387904]", words: ["overflows"]),
    Fault(shape: "[1,1,1,1,1,1,1,1,2]", words: ["8 dimensions"]),
    Fault(offsets: "[0,9223372036854775807]", words: ["data_offsets"]),
    Fault(offsets: "[8,0]", words: ["begin and an end"]),
    Fault(offsets: "[-8,0]", words: ["data_offsets"]),
    Fault(offsets: "[0,8,8]", words: ["begin and an end"]),
    Fault(offsets: "[0]", words: ["begin and an end"]),
    Fault(offsets: "[8,16]", words: ["data_offsets"]),
    Fault(offsets: "null", words: ["data_offsets"]),
  ]

  @Test("An entry that is wrong", arguments: faults)
  func wrongEntry(_ fault: Fault) {
    var writer = SafetensorsWriter()
    writer.add("t", fault.dtype, fault.shape, byteCount: 8, offsets: fault.offsets)
    let code: MeshError.Code = fault.offsets == "null" ? .notFound : fault.code
    expect(code, "t", fault.words) { _ = try parseSafetensors(writer.encoded()) }
  }

  @Test("Tensors that overlap, leave a gap, or do not reach the end")
  func places() {
    let cases: [(first: String, second: String, field: String, word: String)] = [
      ("[0,8]", "[4,12]", "b", "overlaps"), ("[0,8]", "[0,8]", "b", "overlaps"),
      ("[0,8]", "[12,20]", "b", "gap"), ("[0,8]", "[8,16]", "header", "end at"),
    ]
    for (first, second, field, word) in cases {
      var writer = SafetensorsWriter()
      writer.add("a", "F32", "[2]", byteCount: 12, offsets: first)
      writer.add("b", "F32", "[2]", byteCount: 12, offsets: second)
      // Of equal places either tensor may be called the one behind.
      let error = #expect(throws: MeshError.self) { try parseSafetensors(writer.encoded()) }
      #expect(error?.field == field || first == second, "\(String(describing: error))")
      #expect(error?.message.contains(word) == true, "\(String(describing: error))")
    }
  }

  @Test("A name twice, an empty one, a long one")
  func names() {
    var writer = SafetensorsWriter()
    writer.add("a", "F32", "[1]", byteCount: 4)
    writer.add("a", "F32", "[1]", byteCount: 4)
    expect(.corrupted, "a", ["twice"]) { _ = try parseSafetensors(writer.encoded()) }
    for name in ["", String(repeating: "x", count: 257)] {
      var writer = SafetensorsWriter()
      writer.add(name, "F32", "[1]", byteCount: 4)
      expect(.corrupted, name, ["1...256"]) { _ = try parseSafetensors(writer.encoded()) }
    }
  }

  @Test("A header that is no object of objects", arguments: ["[]", "1", #"{"a":1}"#, "{", "{}x"])
  func shape(_ header: String) {
    let text = Array(header.utf8)
    let file = [UInt8(text.count), 0, 0, 0, 0, 0, 0, 0] + text
    #expect(throws: MeshError.self) { try parseSafetensors(file) }
  }
}
