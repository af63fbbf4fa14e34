import CKernels
package import MeshTypes

/// Runs kernels on a fixed set of threads of its own. Used by one thread at a time, which takes part
/// in the work.
///
/// Results are equal byte for byte whatever the thread count and instruction set.
package final class KernelEngine {
  /// Which kernels to use.
  package enum InstructionSet: Sendable {
    /// The fastest that this CPU has.
    case best
    /// The portable C kernels, which the others are compared with.
    case portable
  }

  /// Allowed thread counts.
  package static let threadCountRange = 1...256

  let engine: wk_engine

  /// Threads that work, the caller's included.
  package var threadCount: Int { Int(wk_pool_threads(engine.pool)) }

  /// The kernels' name, for logs: `avx2` or `portable`.
  package var instructionSetName: String { String(cString: engine.kernels.pointee.name) }

  /// Starts the threads.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` for a thread count out of range, `resourceExhausted`
  ///   when the system gives no threads.
  package init(threadCount: Int, instructionSet: InstructionSet = .best) throws(MeshError) {
    guard Self.threadCountRange ~= threadCount else {
      throw .invalid("thread_count", "must be in \(Self.threadCountRange), got \(threadCount)")
    }
    guard let pool = wk_pool_create(UInt32(threadCount)) else {
      throw MeshError(.resourceExhausted, "cannot start \(threadCount) threads")
    }
    let kernels =
      switch instructionSet {
      case .best: wk_kernel_set_best()
      case .portable: wk_kernel_set_portable()
      }
    engine = wk_engine(pool: pool, kernels: kernels!)
  }

  deinit { wk_pool_destroy(engine.pool) }

  func pack(
    _ matrix: wk_matrix,
    format: WeightFormat,
    source: UnsafePointer<UInt8>
  ) -> Bool {
    wk_pack([engine], [matrix], format.format, source)
  }
}
