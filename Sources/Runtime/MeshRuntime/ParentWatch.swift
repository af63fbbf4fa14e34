import Dispatch
import Glibc
import ServiceLifecycle

/// Ends when standard input does, and with it the process's service group: a supervisor holds the
/// other end of that pipe, so its children stop even if it is killed.
package struct ParentWatch: Service {
  package init() {}

  package func run() async throws {
    let (end, continuation) = AsyncStream.makeStream(of: Void.self)
    DispatchQueue(label: "weft.parent-watch").async {
      while getchar() != EOF {}
      continuation.finish()
    }
    for await _ in end.cancelOnGracefulShutdown() {}
  }
}
