import CKernels
package import MeshTypes
import Synchronization

/// Runs kernels on a fixed set of threads of its own. Used by one thread at a time, which takes part
/// in the work.
///
/// Results are equal byte for byte whatever the thread count and instruction set.
package final class KernelEngine {
  /// Which kernels to use.
  package enum InstructionSet: String, CaseIterable, Sendable {
    /// The fastest that this CPU has.
    case best
    /// The portable C kernels, which the others are compared with.
    case portable
    /// AVX2, FMA and F16C.
    case avx2
    /// AVX-512 with VNNI.
    case avx512
    /// NEON, which every 64-bit ARM CPU has.
    case neon
    /// NEON with dot products of 8 bits.
    case neonDotProducts

    /// Whether this CPU has it.
    package var isAvailable: Bool { kernels != nil }

    var kernels: UnsafePointer<wk_kernel_set>? {
      switch self {
      case .best: wk_kernel_set_best()
      case .portable: wk_kernel_set_portable()
      case .avx2: wk_kernel_set_avx2()
      case .avx512: wk_kernel_set_avx512()
      case .neon: wk_kernel_set_neon()
      case .neonDotProducts: wk_kernel_set_neon_dot()
      }
    }
  }

  /// Allowed thread counts.
  package static let threadCountRange = 1...256

  /// What the kernels' C takes. At a place of its own, so that a call needs no copy.
  let pointer: UnsafeMutablePointer<wk_engine>

  var engine: wk_engine { pointer.pointee }

  /// Threads that work, the caller's included.
  package var threadCount: Int { Int(wk_pool_threads(engine.pool)) }

  /// The kernels' name, for logs: `avx512`, `avx2`, `neon-dot`, `neon` or `portable`.
  package var instructionSetName: String { String(cString: engine.kernels.pointee.name) }

  /// Starts the threads.
  ///
  /// - Parameter pins: A CPU for each thread, which stays there but for the caller's; nil: the system
  ///   decides.
  /// - Throws: ``MeshError`` `invalidArgument` for a thread count out of range or an instruction set
  ///   that the CPU lacks, `resourceExhausted` when the system gives no threads.
  package init(
    threadCount: Int,
    instructionSet: InstructionSet = .best,
    pins: [Int]? = nil
  ) throws(MeshError) {
    guard Self.threadCountRange ~= threadCount else {
      throw .invalid("thread_count", "must be in \(Self.threadCountRange), got \(threadCount)")
    }
    guard let kernels = instructionSet.kernels else {
      throw .invalid("instruction_set", "\(instructionSet) is not among this CPU's")
    }
    precondition(pins?.count ?? threadCount == threadCount, "a CPU for each thread")
    let cpus = pins?.map { UInt32($0) }
    guard let pool = wk_pool_create(UInt32(threadCount), cpus) else {
      throw MeshError(.resourceExhausted, "cannot start \(threadCount) threads")
    }
    pointer = .allocate(capacity: 1)
    pointer.initialize(to: wk_engine(pool: pool, kernels: kernels))
  }

  deinit {
    wk_pool_destroy(engine.pool)
    pointer.deallocate()
  }

  func pack(
    _ matrix: wk_matrix,
    format: WeightFormat,
    source: UnsafePointer<UInt8>
  ) -> Bool {
    wk_pack(pointer, [matrix], format.format, source)
  }
}

extension KernelEngine {
  /// Whether a condition holds for all of 0 ..< `count`, at most 2^32; each is looked at once, on any of
  /// the threads.
  package func allSatisfy(count: Int, _ condition: @Sendable (Int) -> Bool) -> Bool {
    withoutActuallyEscaping(condition) { condition in
      let search = ParallelSearch(condition: condition)
      let context = Unmanaged.passUnretained(search).toOpaque()
      wk_pool_run(
        engine.pool,
        UInt32(count),
        { context, index in
          guard let context else { return }
          Unmanaged<ParallelSearch>.fromOpaque(context).takeUnretainedValue().look(Int(index))
        },
        context
      )
      return search.holds
    }
  }
}

/// A condition, and whether it held so far.
private final class ParallelSearch: Sendable {
  private let condition: @Sendable (Int) -> Bool
  private let failed = Atomic(false)

  init(condition: @escaping @Sendable (Int) -> Bool) { self.condition = condition }

  var holds: Bool { !failed.load(ordering: .acquiring) }

  func look(_ index: Int) {
    if !condition(index) { failed.store(true, ordering: .releasing) }
  }
}
