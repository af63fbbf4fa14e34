import Synchronization

/// Counts the C objects of one ``CompletionQueueExecutor`` that are alive, so that tests can assert
/// that every path releases what it took.
package final class LiveObjects: Sendable {
  /// The counts at one moment.
  package struct Snapshot: Equatable, Sendable {
    package var calls: Int
    package var batches: Int
    package var byteBuffers: Int
    package var channels: Int
    package var servers: Int

    /// Nothing is alive.
    package static let none = Snapshot(
      calls: 0,
      batches: 0,
      byteBuffers: 0,
      channels: 0,
      servers: 0
    )
  }

  let calls = Atomic<Int>(0)
  let batches = Atomic<Int>(0)
  let byteBuffers = Atomic<Int>(0)
  let channels = Atomic<Int>(0)
  let servers = Atomic<Int>(0)

  /// The counts now.
  package var snapshot: Snapshot {
    Snapshot(
      calls: calls.load(ordering: .acquiring),
      batches: batches.load(ordering: .acquiring),
      byteBuffers: byteBuffers.load(ordering: .acquiring),
      channels: channels.load(ordering: .acquiring),
      servers: servers.load(ordering: .acquiring)
    )
  }
}

extension Atomic where Value == Int {
  borrowing func increment() {
    wrappingAdd(1, ordering: .relaxed)
  }

  borrowing func decrement(by count: Int = 1) {
    wrappingSubtract(count, ordering: .releasing)
  }
}
