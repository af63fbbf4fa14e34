import MeshTypes

extension GGUFMetadata {
  /// Reads `count` pairs.
  init(reading count: Int, from cursor: inout ByteCursor) throws(MeshError) {
    var pairs: [(key: String, value: GGUFValue)] = []
    pairs.reserveCapacity(count)
    for index in 0..<count {
      cursor.subject = "metadata pair \(index)"
      let key = try cursor.string(maximumByteCount: GGUFLimits.keyByteCount)
      guard !key.isEmpty else { throw cursor.corrupted("the key is empty") }
      cursor.subject = key
      pairs.append((key, try cursor.value()))
    }
    try self.init(pairs)
  }
}

extension ByteCursor {
  fileprivate mutating func value() throws(MeshError) -> GGUFValue {
    switch try valueType() {
    case .uint8: .uint8(try integer())
    case .int8: .int8(try integer())
    case .uint16: .uint16(try integer())
    case .int16: .int16(try integer())
    case .uint32: .uint32(try integer())
    case .int32: .int32(try integer())
    case .uint64: .uint64(try integer())
    case .int64: .int64(try integer())
    case .float32: .float32(Float(bitPattern: try integer()))
    case .float64: .float64(Double(bitPattern: try integer()))
    case .boolean: .boolean(try boolean())
    case .string: .string(try string(maximumByteCount: GGUFLimits.stringByteCount))
    case .array: .array(try array(depth: 1))
    }
  }

  private mutating func valueType() throws(MeshError) -> GGUFValueType {
    let number = try integer(UInt32.self)
    guard let type = GGUFValueType(rawValue: number) else {
      throw corrupted("the value type must be in 0...12, found \(number)")
    }
    return type
  }

  /// - Parameter depth: 1 for an array, 2 for an array in an array, and so on.
  private mutating func array(depth: Int) throws(MeshError) -> GGUFValue.Elements {
    guard depth <= GGUFLimits.arrayDepth else {
      throw corrupted("arrays may be nested \(GGUFLimits.arrayDepth) deep at most")
    }
    let type = try valueType()
    let count = try count(
      of: "array elements",
      limit: GGUFLimits.arrayElementCount,
      minimumByteCount: type.minimumByteCount
    )
    switch type {
    case .uint8: return .uint8(try elements(count))
    case .int8: return .int8(try elements(count))
    case .uint16: return .uint16(try elements(count))
    case .int16: return .int16(try elements(count))
    case .uint32: return .uint32(try elements(count))
    case .int32: return .int32(try elements(count))
    case .uint64: return .uint64(try elements(count))
    case .int64: return .int64(try elements(count))
    case .float32: return .float32(try elements(count))
    case .float64: return .float64(try elements(count))
    case .boolean:
      return .boolean(try repeated(count) { (it) throws(MeshError) in try it.boolean() })
    case .string:
      return .string(
        try repeated(count) { (it) throws(MeshError) in
          try it.string(maximumByteCount: GGUFLimits.stringByteCount)
        }
      )
    case .array:
      return .array(
        try repeated(count) { (it) throws(MeshError) in try it.array(depth: depth + 1) }
      )
    }
  }

  private mutating func repeated<T>(
    _ count: Int,
    _ read: (inout Self) throws(MeshError) -> T
  ) throws(MeshError) -> [T] {
    var elements: [T] = []
    elements.reserveCapacity(count)
    for _ in 0..<count { elements.append(try read(&self)) }
    return elements
  }
}
