import CCrypto

extension GGUFFile {
  /// The SHA-256 of the whole file, 32 bytes: names the weights in content keys.
  ///
  /// Reads every page of the file, so it also warms the page cache.
  package func digest() -> [UInt8] {
    withContents { contents in
      var digest = [UInt8](repeating: 0, count: 32)
      _ = SHA256(contents.baseAddress, contents.count, &digest)
      return digest
    }
  }
}
