import KVStoreWire
import Synchronization

/// Memory whose contents go bad when it is let go of, so that a reader that comes too late notices.
final class CountedMemory: @unchecked Sendable {
  private let memory: UnsafeMutableRawBufferPointer
  private let live: LiveCount

  init(_ contents: [UInt8], counting live: LiveCount) {
    memory = .allocate(byteCount: contents.count, alignment: 16)
    memory.copyBytes(from: contents)
    self.live = live
    live.change(by: 1)
  }

  deinit {
    memory.initializeMemory(as: UInt8.self, repeating: 0xdb)
    memory.deallocate()
    live.change(by: -1)
  }

  /// All of it, without a copy.
  var block: BlockBytes { BlockBytes(owner: self, bytes: UnsafeRawBufferPointer(memory)) }
}

/// How many objects there are now, and how many there were at most.
final class LiveCount: Sendable {
  private let counts = Mutex((now: 0, most: 0))

  var now: Int { counts.withLock { $0.now } }
  var most: Int { counts.withLock { $0.most } }

  func change(by difference: Int) {
    counts.withLock {
      $0.now += difference
      $0.most = max($0.most, $0.now)
    }
  }
}

/// Waits until a condition that is bound to come true does, and gives up after ten seconds.
func eventually(_ condition: () -> Bool) async -> Bool {
  let end = ContinuousClock.now + .seconds(10)
  while !condition() {
    guard ContinuousClock.now < end else { return false }
    await Task.yield()
  }
  return true
}
