import Dispatch
import Grammars
import MeshTypes
import Synchronization

/// A grammar on its way to token masks, and the masks once it is there. All sequences with the same
/// grammar share it.
final class CompiledStructure: Sendable {
  private let masks = Mutex<Result<GrammarMasks, MeshError>?>(nil)
  private let ready = DispatchGroup()

  init() { ready.enter() }

  /// Ends compiling; to be called once.
  func complete(_ result: Result<GrammarMasks, MeshError>) {
    masks.withLock { $0 = result }
    ready.leave()
  }

  /// Uses the masks. Waits until they are compiled, so it is not for Swift's cooperative threads.
  ///
  /// - Throws: What compiling has thrown, or `body`.
  func withMasks<R>(
    _ body: (inout GrammarMasks) throws(MeshError) -> sending R
  ) throws(MeshError) -> R {
    ready.wait()
    return try masks.withLock { (result) throws(MeshError) -> sending R in
      guard case .success(var masks)? = result else {
        if case .failure(let error)? = result { throw error }
        preconditionFailure("ready before it was compiled")
      }
      // Given up meanwhile, so that there is one owner and nothing is copied.
      result = nil
      defer { result = .success(masks) }
      return try body(&masks)
    }
  }

  /// The memory that the masks take, about; 0 while they are compiled.
  var byteCount: Int {
    masks.withLock { result in
      if case .success(let masks)? = result { masks.byteCount } else { 0 }
    }
  }
}
