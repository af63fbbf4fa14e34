internal import CGRPC
import Glibc
import Synchronization

/// A thread that polls a libgrpc completion queue and runs Swift tasks between its events.
///
/// Network input, completions of operations and the tasks that wait for them share one thread, so
/// that a message costs no thread switch. Tasks get here by `withTaskExecutorPreference(executor)`;
/// handlers and client calls of this module do so by themselves, and their child tasks inherit it.
///
/// A task on this executor must not block and should not compute for long: meanwhile no call of the
/// process makes progress. Long computations go to `globalConcurrentExecutor` or a thread of their
/// own.
package final class CompletionQueueExecutor: TaskExecutor {
  /// The executor of this process for everything that does not bring its own. It lives for ever.
  package static let shared = CompletionQueueExecutor()

  /// What is alive on this executor.
  package let liveObjects = LiveObjects()

  let queue: CompletionQueue
  private let jobs: Mutex<JobQueue>

  private struct JobQueue: ~Copyable {
    var waiting: [UnownedJob] = []
    /// The thread is blocked, or is about to block, until an event arrives.
    var threadSleeps = false
    var phase = Phase.running
  }

  private enum Phase {
    /// Can transition to `draining`.
    case running
    /// `shutdown()` was called; the thread runs until the queue is empty. Transitions to `stopped`.
    case draining
    /// The thread has ended. Jobs go to the global executor.
    case stopped
  }

  /// Starts the thread.
  package init() {
    queue = CompletionQueue()
    jobs = Mutex(JobQueue())
    startThread()
  }

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    enum Next {
      case nothing, wake, forward
    }
    let next: Next = jobs.withLock { jobs in
      if jobs.phase == .stopped { return .forward }
      jobs.waiting.append(job)
      guard jobs.threadSleeps else { return .nothing }
      jobs.threadSleeps = false
      // The queue wakes by itself when it drains, and must not be given work any more.
      return jobs.phase == .running ? .wake : .nothing
    }
    switch next {
    case .nothing: break
    case .wake: queue.wake()
    case .forward: globalConcurrentExecutor.enqueue(job)
    }
  }

  /// Ends the thread once all operations have completed. For executors that tests make; every
  /// transport on it must have finished.
  package func shutdown() {
    let begins = jobs.withLock { jobs in
      guard jobs.phase == .running else { return false }
      jobs.phase = .draining
      return true
    }
    if begins { queue.shutdown() }
  }

  private func startThread() {
    var thread = pthread_t()
    let context = Unmanaged.passRetained(self).toOpaque()
    let status = pthread_create(
      &thread,
      nil,
      { context in
        cgrpc_name_this_thread("weft-grpc")
        Unmanaged<CompletionQueueExecutor>.fromOpaque(context!).takeRetainedValue().run()
        return nil
      },
      context
    )
    precondition(status == 0, "cannot start the completion queue's thread: errno \(status)")
    pthread_detach(thread)
  }

  private func run() {
    var running: [UnownedJob] = []
    let me = asUnownedTaskExecutor()
    while true {
      let mayBlock = jobs.withLock { jobs in
        swap(&running, &jobs.waiting)
        jobs.threadSleeps = running.isEmpty
        return running.isEmpty
      }
      for job in running { job.runSynchronously(on: me) }
      running.removeAll(keepingCapacity: true)

      let event = queue.next(mayBlock: mayBlock)
      // Before the event is handled: what it resumes needs no wake-up.
      if mayBlock { jobs.withLock { $0.threadSleeps = false } }
      switch event {
      case .completed(let tag, let success): tag.complete(success: success)
      case .nothing: break
      case .shutdown:
        finish()
        return
      }
    }
  }

  private func finish() {
    let rest = jobs.withLock { jobs in
      jobs.phase = .stopped
      let rest = jobs.waiting
      jobs.waiting = []
      return rest
    }
    for job in rest { globalConcurrentExecutor.enqueue(job) }
    queue.destroy()
  }
}
