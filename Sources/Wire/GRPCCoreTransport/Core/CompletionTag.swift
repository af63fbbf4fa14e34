/// What core hands back through a completion queue when an operation ends.
///
/// A tag is retained while core holds it: ``passToCore()`` takes the reference, the executor's
/// thread gives it back when the event arrives.
class CompletionTag: @unchecked Sendable {
  /// Runs on the executor's thread. Must not block.
  func complete(success: Bool) {
    preconditionFailure("\(type(of: self)) does not handle completion")
  }

  final func passToCore() -> UnsafeMutableRawPointer {
    Unmanaged.passRetained(self).toOpaque()
  }

  /// Takes back the reference of a tag that core refused.
  static func takeBack(_ pointer: UnsafeMutableRawPointer) {
    Unmanaged<CompletionTag>.fromOpaque(pointer).release()
  }

  static func takeFromCore(_ pointer: UnsafeMutableRawPointer) -> CompletionTag {
    Unmanaged<CompletionTag>.fromOpaque(pointer).takeRetainedValue()
  }
}
