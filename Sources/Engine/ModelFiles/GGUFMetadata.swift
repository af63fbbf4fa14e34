package import MeshTypes

/// The key-value pairs of a GGUF file, with accessors that check types and ranges.
///
/// Accessors named `…IfPresent` return nil for a missing key; the others throw `notFound`. A value
/// of another type or outside the range throws `corrupted`. Every error's field is the key.
package struct GGUFMetadata: Hashable, Sendable {
  /// The keys in file order.
  package let keys: [String]
  private let values: [String: GGUFValue]

  /// Creates metadata, for models that do not come from a file.
  ///
  /// - Throws: `corrupted` naming a key that appears twice.
  package init(_ pairs: [(key: String, value: GGUFValue)]) throws(MeshError) {
    var values = [String: GGUFValue](minimumCapacity: pairs.count)
    for (key, value) in pairs where values.updateValue(value, forKey: key) != nil {
      throw MeshError(.corrupted, "metadata key \(key.quoted) appears twice", field: key)
    }
    self.keys = pairs.map(\.key)
    self.values = values
  }

  package subscript(key: String) -> GGUFValue? { values[key] }

  package func stringIfPresent(_ key: String) throws(MeshError) -> String? {
    guard let value = values[key] else { return nil }
    guard case .string(let string) = value else { throw mismatch(key, "a string", value) }
    return string
  }

  package func stringsIfPresent(_ key: String) throws(MeshError) -> [String]? {
    guard let value = values[key] else { return nil }
    guard case .array(.string(let strings)) = value else {
      throw mismatch(key, "an array of strings", value)
    }
    return strings
  }

  package func booleanIfPresent(_ key: String) throws(MeshError) -> Bool? {
    guard let value = values[key] else { return nil }
    guard case .boolean(let boolean) = value else { throw mismatch(key, "a boolean", value) }
    return boolean
  }

  /// Any integer type, if its value lies in `range`.
  package func integerIfPresent(
    _ key: String,
    in range: ClosedRange<Int> = .min ... .max
  ) throws(MeshError) -> Int? {
    guard let value = values[key] else { return nil }
    guard let wide = value.integer else { throw mismatch(key, "an integer", value) }
    return try narrow(wide, key, range)
  }

  /// An array of any integer type, if all its values lie in `range`.
  package func integersIfPresent(
    _ key: String,
    in range: ClosedRange<Int> = .min ... .max
  ) throws(MeshError) -> [Int]? {
    guard let value = values[key] else { return nil }
    guard case .array(let elements) = value, let wide = elements.integers else {
      throw mismatch(key, "an array of integers", value)
    }
    return try wide.map { (element) throws(MeshError) in try narrow(element, key, range) }
  }

  /// A float of either width, if its value lies in `range`; the default is every finite number.
  package func floatIfPresent(
    _ key: String,
    in range: ClosedRange<Float> = Self.finite
  ) throws(MeshError) -> Float? {
    guard let value = values[key] else { return nil }
    guard let float = value.float else { throw mismatch(key, "a float", value) }
    guard range.contains(float) else { throw outside(key, "\(range)", "\(float)") }
    return float
  }

  /// An array of floats of either width, if all values lie in `range`; the default is every finite
  /// number.
  package func floatsIfPresent(
    _ key: String,
    in range: ClosedRange<Float> = Self.finite
  ) throws(MeshError) -> [Float]? {
    guard let value = values[key] else { return nil }
    guard case .array(let elements) = value, let floats = elements.floats else {
      throw mismatch(key, "an array of floats", value)
    }
    if let stray = floats.first(where: { !range.contains($0) }) {
      throw outside(key, "\(range)", "\(stray)")
    }
    return floats
  }

  package func string(_ key: String) throws(MeshError) -> String {
    try required(key, try stringIfPresent(key))
  }

  package func strings(_ key: String) throws(MeshError) -> [String] {
    try required(key, try stringsIfPresent(key))
  }

  package func boolean(_ key: String) throws(MeshError) -> Bool {
    try required(key, try booleanIfPresent(key))
  }

  /// Any integer type, if its value lies in `range`.
  package func integer(
    _ key: String,
    in range: ClosedRange<Int> = .min ... .max
  ) throws(MeshError) -> Int {
    try required(key, try integerIfPresent(key, in: range))
  }

  /// An array of any integer type, if all its values lie in `range`.
  package func integers(
    _ key: String,
    in range: ClosedRange<Int> = .min ... .max
  ) throws(MeshError) -> [Int] {
    try required(key, try integersIfPresent(key, in: range))
  }

  /// A float of either width, if its value lies in `range`; the default is every finite number.
  package func float(
    _ key: String,
    in range: ClosedRange<Float> = Self.finite
  ) throws(MeshError) -> Float {
    try required(key, try floatIfPresent(key, in: range))
  }

  /// An array of floats of either width, if all values lie in `range`; the default is every finite
  /// number.
  package func floats(
    _ key: String,
    in range: ClosedRange<Float> = Self.finite
  ) throws(MeshError) -> [Float] {
    try required(key, try floatsIfPresent(key, in: range))
  }

  /// Every number that is neither infinite nor NaN.
  package static let finite = -Float.greatestFiniteMagnitude...Float.greatestFiniteMagnitude

  private func required<T>(_ key: String, _ value: T?) throws(MeshError) -> T {
    guard let value else {
      throw MeshError(.notFound, "metadata key \(key.quoted) is missing", field: key)
    }
    return value
  }

  private func narrow(
    _ wide: Int128,
    _ key: String,
    _ range: ClosedRange<Int>
  ) throws(MeshError) -> Int {
    guard let value = Int(exactly: wide), range.contains(value) else {
      throw outside(key, "\(range)", "\(wide)")
    }
    return value
  }

  private func mismatch(_ key: String, _ expected: String, _ found: GGUFValue) -> MeshError {
    MeshError(
      .corrupted,
      "metadata key \(key.quoted) must be \(expected), found \(found.typeDescription)",
      field: key
    )
  }

  private func outside(_ key: String, _ range: String, _ found: String) -> MeshError {
    MeshError(
      .corrupted,
      "metadata key \(key.quoted) must be in \(range), found \(found)",
      field: key
    )
  }
}

extension GGUFValue {
  fileprivate var integer: Int128? {
    switch self {
    case .uint8(let value): Int128(value)
    case .int8(let value): Int128(value)
    case .uint16(let value): Int128(value)
    case .int16(let value): Int128(value)
    case .uint32(let value): Int128(value)
    case .int32(let value): Int128(value)
    case .uint64(let value): Int128(value)
    case .int64(let value): Int128(value)
    default: nil
    }
  }

  fileprivate var float: Float? {
    switch self {
    case .float32(let value): value
    case .float64(let value): Float(value)
    default: nil
    }
  }
}

extension GGUFValue.Elements {
  fileprivate var integers: [Int128]? {
    switch self {
    case .uint8(let values): values.map { Int128($0) }
    case .int8(let values): values.map { Int128($0) }
    case .uint16(let values): values.map { Int128($0) }
    case .int16(let values): values.map { Int128($0) }
    case .uint32(let values): values.map { Int128($0) }
    case .int32(let values): values.map { Int128($0) }
    case .uint64(let values): values.map { Int128($0) }
    case .int64(let values): values.map { Int128($0) }
    default: nil
    }
  }

  fileprivate var floats: [Float]? {
    switch self {
    case .float32(let values): values
    case .float64(let values): values.map { Float($0) }
    default: nil
    }
  }
}
