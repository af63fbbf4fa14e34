import Glibc

/// Reads the kernel's small text files, in `/proc` and `/sys`. Below another root in tests, which bring
/// a machine of their own.
package struct SystemFiles: Sendable {
  /// What stands before every path; empty for the machine itself.
  let root: String

  package init(root: String = "") { self.root = root }

  /// No file that matters is larger.
  private static let byteLimit = 1 << 20

  /// A file's text; nil if there is none that can be read.
  func text(_ path: String) -> String? {
    let file = open(root + path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 14)
    while bytes.count < Self.byteLimit {
      let count = read(file, &piece, piece.count)
      guard count >= 0 else { return nil }
      if count == 0 { break }
      bytes += piece.prefix(count)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// A file's first line, without its end.
  func line(_ path: String) -> String? {
    text(path)?.split(separator: "\n", omittingEmptySubsequences: false).first.map(String.init)
  }
}
