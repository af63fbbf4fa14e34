import Dispatch

/// A serial executor off Swift's cooperative threads, for actors whose work blocks or computes for
/// long. Jobs run one after the other on a Dispatch thread that nobody else uses meanwhile.
package final class DedicatedThreadExecutor: SerialExecutor {
  private let queue: DispatchQueue

  /// Creates an executor.
  ///
  /// - Parameter label: The queue's name in debuggers.
  package init(label: String) {
    self.queue = DispatchQueue(label: label, qos: .userInitiated)
  }

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let executor = asUnownedSerialExecutor()
    queue.async { job.runSynchronously(on: executor) }
  }
}
