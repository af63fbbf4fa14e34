import GRPCCore
import GRPCCoreTransport

/// Reads protobuf fields from a message's pieces without copying what is long.
///
/// Errors are `invalidArgument` and name the field.
struct FieldReader {
  /// A field's number and its value's layout.
  struct Tag: Equatable {
    var field: UInt32
    var type: WireType
  }

  /// As deep as generated code follows groups.
  private static let maximumGroupDepth = 99

  private let messageName: String
  private let message: SliceBytes
  private var nextPiece = 0
  private var piece: SliceBytes.Piece
  /// Of the piece.
  private var offset = 0
  /// Of the message.
  private(set) var remaining: Int
  /// How errors call what is being read.
  private var fieldName = "tag"

  init<Bytes: GRPCContiguousBytes>(_ bytes: Bytes, messageName: String) {
    self.messageName = messageName
    message = bytes as? SliceBytes ?? bytes.withUnsafeBytes { SliceBytes($0) }
    piece = message.piece(at: 0)
    nextPiece = 1
    remaining = message.count
  }

  /// The next field's tag; nil at the end.
  ///
  /// - Parameter names: The names of the fields with the numbers 1, 2, ….
  mutating func nextTag(_ names: [String]) throws(RPCError) -> Tag? {
    guard remaining > 0 else { return nil }
    fieldName = "tag"
    let value = try varint()
    guard value < UInt64(UInt32.max), value >= 8, let type = WireType(rawValue: UInt8(value & 7))
    else { throw malformed("has the illegal value \(value)") }
    let field = UInt32(value >> 3)
    fieldName = field <= names.count ? names[Int(field) - 1] : "field \(field)"
    return Tag(field: field, type: type)
  }

  // MARK: Values

  mutating func varint() throws(RPCError) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), through: 63, by: 7) {
      let byte = try byte()
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
    }
    throw malformed("has a varint of more than 10 bytes")
  }

  mutating func fixed32() throws(RPCError) -> UInt32 {
    var value: UInt32 = 0
    for shift in stride(from: UInt32(0), to: 32, by: 8) { value |= UInt32(try byte()) << shift }
    return value
  }

  /// Shares the message's memory.
  mutating func bytes() throws(RPCError) -> BlockBytes {
    var bytes = BlockBytes()
    try advance(by: try length()) { bytes.append($0) }
    return bytes
  }

  mutating func string() throws(RPCError) -> String {
    guard let string = String(validating: try bytes().array, as: UTF8.self) else {
      throw malformed("is not UTF-8")
    }
    return string
  }

  /// Passes over a field that nobody knows, or that has another type than expected.
  mutating func skip(_ tag: Tag) throws(RPCError) {
    guard tag.type != .startGroup else { return try skipGroup(tag.field) }
    try skipValue(tag.type)
  }

  private mutating func skipValue(_ type: WireType) throws(RPCError) {
    switch type {
    case .varint: _ = try varint()
    case .fixed64: try advance(by: 8)
    case .fixed32: try advance(by: 4)
    case .lengthDelimited: try advance(by: try length())
    case .startGroup, .endGroup: throw malformed("ends a group that did not begin")
    }
  }

  private mutating func skipGroup(_ field: UInt32) throws(RPCError) {
    var open = [field]
    while let innermost = open.last {
      guard let tag = try nextTag([]) else { throw malformed("is in a group without an end") }
      switch tag.type {
      case .startGroup:
        guard open.count < Self.maximumGroupDepth else { throw malformed("is nested too deeply") }
        open.append(tag.field)
      case .endGroup:
        guard tag.field == innermost else { throw malformed("ends another group") }
        open.removeLast()
      default: try skipValue(tag.type)
      }
    }
  }

  // MARK: Bytes

  private mutating func length() throws(RPCError) -> Int {
    let length = try varint()
    guard length <= UInt64(remaining) else {
      throw malformed("has \(length) bytes by its length, but \(remaining) are left")
    }
    return Int(length)
  }

  private mutating func byte() throws(RPCError) -> UInt8 {
    guard remaining > 0 else { throw malformed("is cut off") }
    findPiece()
    defer {
      offset += 1
      remaining -= 1
    }
    return piece.bytes[offset]
  }

  private mutating func advance(
    by count: Int,
    visit: (SliceBytes.Piece) -> Void = { _ in }
  ) throws(RPCError) {
    guard count <= remaining else { throw malformed("is cut off") }
    remaining -= count
    var left = count
    while left > 0 {
      findPiece()
      let end = min(piece.bytes.count, offset + left)
      let bytes = UnsafeRawBufferPointer(rebasing: piece.bytes[offset..<end])
      visit(SliceBytes.Piece(owner: piece.owner, bytes: bytes))
      left -= bytes.count
      offset = end
    }
  }

  /// Goes to the piece that the next byte is in. There must be one.
  private mutating func findPiece() {
    while offset == piece.bytes.count {
      piece = message.piece(at: nextPiece)
      nextPiece += 1
      offset = 0
    }
  }

  private func malformed(_ what: String) -> RPCError {
    .malformed(messageName, field: fieldName, what)
  }
}
