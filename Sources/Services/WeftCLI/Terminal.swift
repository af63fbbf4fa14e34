import MeshRuntime
import SystemPackage

/// Standard output and error without buffers, so that a stream shows token by token.
enum Terminal {
  static func show(_ text: String) { _ = try? FileDescriptor.standardOutput.writeAll(text.utf8) }

  static func note(_ line: String) {
    _ = try? FileDescriptor.standardError.writeAll("\(line)\n".utf8)
  }
}

/// Reads lines of standard input on a thread that may wait for them.
actor LineReader {
  private let executor = DedicatedThreadExecutor(label: "weft.line-reader")

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// The next line without its newline; nil at the end.
  func next() -> String? { readLine() }
}
