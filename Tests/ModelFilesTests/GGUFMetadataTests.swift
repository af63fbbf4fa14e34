import MeshTypes
import ModelFiles
import Testing

@Suite("Metadata")
struct GGUFMetadataTests {
  private let metadata: GGUFMetadata

  init() throws {
    metadata = try GGUFMetadata([
      ("name", .string("tiny")), ("layers", .uint32(30)), ("eos", .int64(-1)),
      ("huge", .uint64(.max)), ("epsilon", .float32(1e-5)), ("base", .float64(100_000)),
      ("nan", .float32(.nan)), ("bos", .boolean(true)), ("tokens", .array(.string(["a", "b"]))),
      ("types", .array(.int32([1, 3, 6]))), ("scores", .array(.float32([0, -1.5]))),
      ("infinite", .array(.float64([.infinity]))), ("wide", .array(.uint64([1, .max]))),
    ])
  }

  @Test("keeps the keys in order and gives the plain values")
  func keys() {
    #expect(metadata.keys.prefix(3) == ["name", "layers", "eos"])
    #expect(metadata["layers"] == .uint32(30))
    #expect(metadata["absent"] == nil)
  }

  @Test("gives values of the type that is asked for")
  func values() throws {
    #expect(try metadata.string("name") == "tiny")
    #expect(try metadata.strings("tokens") == ["a", "b"])
    #expect(try metadata.boolean("bos"))
    #expect(try metadata.integers("types", in: 0...6) == [1, 3, 6])
    #expect(try metadata.float("epsilon") == 1e-5)
    #expect(try metadata.floats("scores") == [0, -1.5])
  }

  @Test("takes integers and floats of every width")
  func widths() throws {
    let integers: [GGUFValue] = [
      .uint8(7), .int8(7), .uint16(7), .int16(7), .uint32(7), .int32(7), .uint64(7), .int64(7),
    ]
    let arrays: [GGUFValue] = [
      .array(.uint8([7])), .array(.int8([7])), .array(.uint16([7])), .array(.int16([7])),
      .array(.uint32([7])), .array(.int32([7])), .array(.uint64([7])), .array(.int64([7])),
    ]
    for value in integers { #expect(try GGUFMetadata([("k", value)]).integer("k") == 7) }
    for value in arrays { #expect(try GGUFMetadata([("k", value)]).integers("k") == [7]) }
    #expect(try metadata.float("base") == 100_000)
    #expect(try GGUFMetadata([("k", .array(.float64([2])))]).floats("k") == [2])
  }

  @Test("gives nil for a missing key only where that is asked for")
  func missing() throws {
    #expect(try metadata.stringIfPresent("absent") == nil)
    #expect(try metadata.stringsIfPresent("absent") == nil)
    #expect(try metadata.booleanIfPresent("absent") == nil)
    #expect(try metadata.integerIfPresent("absent") == nil)
    #expect(try metadata.integersIfPresent("absent") == nil)
    #expect(try metadata.floatIfPresent("absent") == nil)
    #expect(try metadata.floatsIfPresent("absent") == nil)
    expect(.notFound, "absent", ["missing"]) { _ = try metadata.string("absent") }
    expect(.notFound, "absent", ["missing"]) { _ = try metadata.integers("absent") }
  }

  @Test("refuses a value of another type, naming both")
  func mismatch() {
    expect(.corrupted, "layers", ["a string", "uint32"]) { _ = try metadata.string("layers") }
    expect(.corrupted, "types", ["array of strings", "array of int32"]) {
      _ = try metadata.strings("types")
    }
    expect(.corrupted, "name", ["an integer", "string"]) { _ = try metadata.integer("name") }
    expect(.corrupted, "bos", ["an integer", "boolean"]) { _ = try metadata.integer("bos") }
    expect(.corrupted, "layers", ["a boolean", "uint32"]) { _ = try metadata.boolean("layers") }
    expect(.corrupted, "layers", ["a float", "uint32"]) { _ = try metadata.float("layers") }
    expect(.corrupted, "scores", ["array of integers", "array of float32"]) {
      _ = try metadata.integers("scores")
    }
    expect(.corrupted, "types", ["array of floats", "array of int32"]) {
      _ = try metadata.floats("types")
    }
    expect(.corrupted, "layers", ["array of integers", "uint32"]) {
      _ = try metadata.integersIfPresent("layers")
    }
  }

  @Test("refuses a value out of range, naming the range and the value")
  func range() {
    expect(.corrupted, "layers", ["1...20", "30"]) {
      _ = try metadata.integer("layers", in: 1...20)
    }
    expect(.corrupted, "eos", ["0...9", "-1"]) { _ = try metadata.integer("eos", in: 0...9) }
    expect(.corrupted, "huge", ["\(UInt64.max)"]) { _ = try metadata.integer("huge") }
    expect(.corrupted, "wide", ["\(UInt64.max)"]) { _ = try metadata.integers("wide") }
    expect(.corrupted, "types", ["0...5", "6"]) { _ = try metadata.integers("types", in: 0...5) }
    expect(.corrupted, "epsilon", ["0.1...1.0"]) { _ = try metadata.float("epsilon", in: 0.1...1) }
    expect(.corrupted, "scores", ["0.0...1.0", "-1.5"]) {
      _ = try metadata.floats("scores", in: 0...1)
    }
  }

  @Test("refuses floats that are not finite unless the range has them")
  func finite() throws {
    expect(.corrupted, "nan", ["nan"]) { _ = try metadata.float("nan") }
    expect(.corrupted, "infinite", ["inf"]) { _ = try metadata.floats("infinite") }
    #expect(try metadata.floats("infinite", in: 0 ... .infinity) == [.infinity])
  }

  @Test("refuses a key that appears twice")
  func duplicate() {
    expect(.corrupted, "k", ["twice"]) {
      _ = try GGUFMetadata([("k", .boolean(true)), ("k", .boolean(true))])
    }
  }
}
