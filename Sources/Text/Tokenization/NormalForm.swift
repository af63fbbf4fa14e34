@_spi(_Unicode) import Swift

/// Unicode's normalisation forms.
enum NormalForm {
  /// Valid UTF-8 in form C (UAX 15), by the standard library's own tables.
  static func composed(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    for scalar in String(decoding: bytes, as: UTF8.self)._nfc {
      result.append(contentsOf: UTF8.encode(scalar)!)
    }
    return result
  }
}
