internal import CGRPC
internal import GRPCCore

extension Metadata {
  /// Copies what core received. The call that owns the elements must be alive.
  init(_ received: grpc_metadata_array) {
    self.init()
    guard let items = received.metadata else { return }
    reserveCapacity(received.count)
    for index in 0..<received.count {
      let key = String(items[index].key)
      if key.hasSuffix("-bin") {
        addBinary(items[index].value.withBytes { Array($0) }, forKey: key)
      } else {
        addString(String(items[index].value), forKey: key)
      }
    }
  }

  /// Copies the pairs into a list that core can send.
  ///
  /// Leaves out what core writes itself: the timeout comes from the call's deadline.
  ///
  /// - Throws: `invalidArgument` for a key or a value that HTTP/2 cannot carry.
  func append(to list: UnsafeMutablePointer<cgrpc_metadata_list>) throws(RPCError) {
    for (key, value) in self {
      let key = key.lowercased()
      if key == "grpc-timeout" { continue }
      switch value {
      case .string(let string) where key.hasSuffix("-bin"):
        throw RPCError(
          code: .invalidArgument,
          message: "The metadata key '\(key)' takes a binary value, not the string '\(string)'."
        )
      case .string(let string):
        let bytes = Array(string.utf8)
        guard Self.isLegal(key: key), Self.isLegal(value: bytes) else {
          throw RPCError(
            code: .invalidArgument,
            message: "The metadata '\(key): \(string)' is not legal in HTTP/2."
          )
        }
        Self.append(key, bytes, to: list)
      case .binary(let bytes):
        guard key.hasSuffix("-bin"), Self.isLegal(key: key) else {
          throw RPCError(
            code: .invalidArgument,
            message: "The metadata key '\(key)' is not legal for a binary value."
          )
        }
        Self.append(key, bytes, to: list)
      }
    }
  }

  private static func append(
    _ key: String,
    _ value: [UInt8],
    to list: UnsafeMutablePointer<cgrpc_metadata_list>
  ) {
    var key = key
    key.withUTF8 { key in
      key.withMemoryRebound(to: CChar.self) { key in
        cgrpc_metadata_list_append(list, key.baseAddress, key.count, value, value.count)
      }
    }
  }

  private static func isLegal(key: String) -> Bool {
    let slice = grpc_slice_from_copied_string(key)
    defer { grpc_slice_unref(slice) }
    return grpc_header_key_is_legal(slice) != 0
  }

  private static func isLegal(value: [UInt8]) -> Bool {
    let slice = value.withUnsafeBytes {
      grpc_slice_from_copied_buffer($0.baseAddress, $0.count)
    }
    defer { grpc_slice_unref(slice) }
    return grpc_header_nonbin_value_is_legal(slice) != 0
  }
}

extension grpc_slice {
  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    var slice = self
    return withUnsafeMutablePointer(to: &slice) { slice in
      body(
        UnsafeRawBufferPointer(start: cgrpc_slice_bytes(slice), count: cgrpc_slice_length(slice))
      )
    }
  }
}

extension String {
  init(_ slice: grpc_slice) {
    self = slice.withBytes { String(decoding: $0, as: UTF8.self) }
  }
}
