/// A metadata value of a GGUF file, with the type that it has there.
package enum GGUFValue: Hashable, Sendable {
  case uint8(UInt8)
  case int8(Int8)
  case uint16(UInt16)
  case int16(Int16)
  case uint32(UInt32)
  case int32(Int32)
  case uint64(UInt64)
  case int64(Int64)
  case float32(Float)
  case float64(Double)
  case boolean(Bool)
  case string(String)
  case array(Elements)

  /// The elements of an array value, all of one type.
  package enum Elements: Hashable, Sendable {
    case uint8([UInt8])
    case int8([Int8])
    case uint16([UInt16])
    case int16([Int16])
    case uint32([UInt32])
    case int32([Int32])
    case uint64([UInt64])
    case int64([Int64])
    case float32([Float])
    case float64([Double])
    case boolean([Bool])
    case string([String])
    case array([Elements])
  }

  /// The type in words, for error messages: `uint32`, `array of string`.
  package var typeDescription: String {
    switch self {
    case .array(let elements): "array of \(elements.elementType)"
    default: "\(type)"
    }
  }

  /// The value's type as it is written in a file.
  package var type: GGUFValueType {
    switch self {
    case .uint8: .uint8
    case .int8: .int8
    case .uint16: .uint16
    case .int16: .int16
    case .uint32: .uint32
    case .int32: .int32
    case .uint64: .uint64
    case .int64: .int64
    case .float32: .float32
    case .float64: .float64
    case .boolean: .boolean
    case .string: .string
    case .array: .array
    }
  }
}

extension GGUFValue.Elements {
  /// The elements' type as it is written in a file.
  package var elementType: GGUFValueType {
    switch self {
    case .uint8: .uint8
    case .int8: .int8
    case .uint16: .uint16
    case .int16: .int16
    case .uint32: .uint32
    case .int32: .int32
    case .uint64: .uint64
    case .int64: .int64
    case .float32: .float32
    case .float64: .float64
    case .boolean: .boolean
    case .string: .string
    case .array: .array
    }
  }
}

/// The type number that stands in front of every metadata value in a GGUF file.
package enum GGUFValueType: UInt32, Hashable, Sendable, CaseIterable {
  case uint8 = 0
  case int8 = 1
  case uint16 = 2
  case int16 = 3
  case uint32 = 4
  case int32 = 5
  case float32 = 6
  case boolean = 7
  case string = 8
  case array = 9
  case uint64 = 10
  case int64 = 11
  case float64 = 12

  /// The fewest bytes that one value of this type can take in a file.
  var minimumByteCount: Int {
    switch self {
    case .uint8, .int8, .boolean: 1
    case .uint16, .int16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64, .string: 8
    case .array: 12
    }
  }
}
