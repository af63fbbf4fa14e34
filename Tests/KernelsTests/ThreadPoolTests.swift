import CKernels
import Kernels
import MeshTypes
import TestSupport
import Testing

@Suite struct ThreadPoolTests {
  @Test func everyTaskIsDoneOnceBeforeRunReturns() throws {
    let seed: UInt64 = 7
    var random = SeededGenerator(seed: seed)
    for threadCount: UInt32 in 1...5 {
      let pool = try #require(wk_pool_create(threadCount, nil) as OpaquePointer?)
      defer { wk_pool_destroy(pool) }
      #expect(wk_pool_threads(pool) == threadCount)
      for _ in 0..<500 {
        let taskCount = Int.random(in: 0...40, using: &random)
        var counts = [Int](repeating: 0, count: taskCount)
        counts.withUnsafeMutableBytes { counts in
          // Plain memory, no locks: under ThreadSanitizer this shows that the pool orders accesses.
          wk_pool_run(
            pool,
            UInt32(taskCount),
            { context, index in context!.assumingMemoryBound(to: Int.self)[Int(index)] += 1 },
            counts.baseAddress
          )
        }
        #expect(counts == [Int](repeating: 1, count: taskCount), "seed \(seed)")
      }
    }
  }

  @Test func poolsEndWhetherOrNotTheyWorked() throws {
    for threadCount: UInt32 in 1...8 {
      for _ in 0..<20 {
        wk_pool_destroy(try #require(wk_pool_create(threadCount, nil) as OpaquePointer?))
      }
    }
  }

  @Test func aThreadCountOutOfRangeIsRefused() {
    for threadCount in [-1, 0, 257, .max] {
      let error = #expect(throws: MeshError.self) {
        _ = try KernelEngine(threadCount: threadCount)
      }
      #expect(error?.field == "thread_count")
    }
  }
}
