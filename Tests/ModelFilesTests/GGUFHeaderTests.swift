import MeshTypes
import ModelFiles
import Testing

func parse(_ file: [UInt8]) throws -> GGUFHeader {
  try file.withUnsafeBytes { (bytes) throws(MeshError) in try GGUFHeader(parsing: bytes) }
}

/// A value of every type that metadata can have.
let everyValue: [(key: String, value: GGUFValue)] = [
  ("u8", .uint8(.max)), ("i8", .int8(.min)), ("u16", .uint16(.max)), ("i16", .int16(.min)),
  ("u32", .uint32(.max)), ("i32", .int32(.min)), ("u64", .uint64(.max)), ("i64", .int64(.min)),
  ("f32", .float32(-1.5)), ("f64", .float64(.pi)), ("yes", .boolean(true)), ("no", .boolean(false)),
  ("text", .string("häß\u{0}é 🦙")), ("empty", .string("")),
  ("u8s", .array(.uint8([0, 255]))), ("i8s", .array(.int8([-128, 127]))),
  ("u16s", .array(.uint16([1, .max]))), ("i16s", .array(.int16([.min, 2]))),
  ("u32s", .array(.uint32([3, .max]))), ("i32s", .array(.int32([.min, 4]))),
  ("u64s", .array(.uint64([5, .max]))), ("i64s", .array(.int64([.min, 6]))),
  ("f32s", .array(.float32([0, -0.25, .infinity]))), ("f64s", .array(.float64([1e300]))),
  ("flags", .array(.boolean([true, false]))), ("none", .array(.int32([]))),
  ("words", .array(.string(["", "a", "Ġthe"]))),
  ("nested", .array(.array([.int32([1]), .string(["x"]), .array([.uint8([9])])]))),
]

@Suite("Header")
struct GGUFHeaderTests {
  @Test("gives back metadata of every type", arguments: [2, 3] as [UInt32])
  func everyType(version: UInt32) throws {
    var writer = GGUFWriter()
    writer.version = version
    writer.metadata = everyValue
    let header = try parse(writer.encoded())
    #expect(header.version == version)
    #expect(header.metadata.keys == everyValue.map(\.key))
    for (key, value) in everyValue { #expect(header.metadata[key] == value) }
  }

  @Test("places tensors of every type", arguments: [8, 32, 4096])
  func everyTensor(alignment: Int) throws {
    var writer = GGUFWriter()
    writer.alignment = alignment
    writer.add("general.alignment", .uint32(UInt32(alignment)))
    for type in TensorType.allCases {
      writer.add(tensor: "\(type)", type: type, dimensions: [256, 3])
    }
    writer.add(tensor: "scalar", dimensions: [1])
    writer.add(tensor: "deep", dimensions: [2, 3, 5, 7])
    let file = writer.encoded()
    let header = try parse(file)
    #expect(header.tensors.count == TensorType.allCases.count + 2)
    for (tensor, written) in zip(header.tensors, writer.tensors) {
      #expect(tensor.name == written.name)
      #expect(tensor.dimensions == written.dimensions.map { Int($0) })
      #expect(tensor.elementCount == tensor.dimensions.reduce(1, *))
      #expect(tensor.byteCount == written.bytes.count)
      #expect(tensor.byteOffset.isMultiple(of: alignment))
    }
    #expect(header.tensors.last?.endOffset == file.count)
  }

  @Test("may describe no tensors")
  func vocabularyOnly() throws {
    var writer = GGUFWriter()
    writer.add("k", .string("v"))
    #expect(try parse(writer.encoded()).tensors.isEmpty)
  }

  @Test("accepts tensors whose bytes lie in another order")
  func order() throws {
    var writer = GGUFWriter()
    writer.add(tensor: "a", dimensions: [8])
    writer.add(tensor: "b", dimensions: [8])
    writer.tensors[0].offset = 32
    writer.tensors[1].offset = 0
    let tensors = try parse(writer.encoded()).tensors
    #expect(tensors[0].byteOffset == tensors[1].endOffset)
  }

  @Test("refuses what is not GGUF")
  func magic() {
    var writer = GGUFWriter()
    writer.magic = Array("GGML".utf8)
    expect(.corrupted, "magic", ["not a GGUF file"]) { _ = try parse(writer.encoded()) }
    expect(.corrupted, "magic") { _ = try parse([]) }
  }

  @Test("refuses other versions", arguments: [0, 1, 4, .max] as [UInt32])
  func version(version: UInt32) {
    var writer = GGUFWriter()
    writer.version = version
    expect(.unimplemented, "version", ["2 or 3", "\(version)"]) { _ = try parse(writer.encoded()) }
  }

  @Test("recognises a big-endian file")
  func bigEndian() {
    var writer = GGUFWriter()
    writer.version = UInt32(3).byteSwapped
    expect(.unimplemented, "version", ["big-endian"]) { _ = try parse(writer.encoded()) }
  }

  @Test(
    "refuses a metadata count that the file cannot hold",
    arguments: [100, 1 << 16, .max] as [UInt64]
  )
  func metadataCount(count: UInt64) {
    var writer = GGUFWriter()
    writer.add("k", .uint8(0))
    writer.claimedMetadataCount = count
    expect(.corrupted, "metadata_kv_count", ["\(count)"]) { _ = try parse(writer.encoded()) }
  }

  @Test(
    "refuses a tensor count that the file cannot hold",
    arguments: [100, 1 << 16, .max] as [UInt64]
  )
  func tensorCount(count: UInt64) {
    var writer = GGUFWriter()
    writer.add("k", .uint8(0))
    writer.claimedTensorCount = count
    expect(.corrupted, "tensor_count", ["\(count)"]) { _ = try parse(writer.encoded()) }
  }
}
