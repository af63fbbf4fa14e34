package import BlockCache
package import KVStoreWire
import Synchronization

/// Blocks whose bytes come into being while they are being stored, all at the same pace.
///
/// One writes the bytes and tells of them; ``StoreCluster/put(_:in:)`` sends them on. Who tells more
/// often than what was told can be sent has it sent in fewer, larger parts.
package final class GrowingBlocks: Sendable {
  /// A block that grows.
  package struct Block: Sendable {
    package var key: BlockKey
    /// Room for all of its bytes.
    package var payload: BlockBytes

    package init(key: BlockKey, payload: BlockBytes) {
      self.key = key
      self.payload = payload
    }
  }

  /// How far they have grown.
  package enum Growth: Sendable, Hashable {
    /// So many leading bytes of each are there, and stay as they are.
    case growing(byteCount: Int)
    case complete
    /// They will never be complete.
    case abandoned
  }

  package let blocks: [Block]
  private let state = Mutex(State())

  private struct State {
    var growth = Growth.growing(byteCount: 0)
    var listeners: [AsyncStream<Growth>.Continuation] = []
  }

  /// Blocks of which there is nothing yet.
  package init(_ blocks: [Block]) { self.blocks = blocks }

  /// Tells that the first `byteCount` bytes of each block are there.
  package func grow(to byteCount: Int) { tell(.growing(byteCount: byteCount)) }

  /// Tells that all bytes are there.
  package func complete() { tell(.complete) }

  /// Tells that no more bytes come, so that nothing of the blocks is stored; nothing if at least
  /// `byteCount` of each are there.
  package func abandon(below byteCount: Int = .max) {
    tell(.abandoned, below: byteCount)
  }

  private func tell(_ growth: Growth, below byteCount: Int = .max) {
    state.withLock { state in
      guard case .growing(let grown) = state.growth, grown < byteCount else { return }
      state.growth = growth
      for listener in state.listeners { listener.yield(growth) }
      if case .growing = growth { return }
      for listener in state.listeners { listener.finish() }
      state.listeners = []
    }
  }

  /// What is told from now on, beginning with how far they are: the latest alone, if several things
  /// were told meanwhile.
  package var growths: AsyncStream<Growth> {
    let (growths, listener) = AsyncStream.makeStream(
      of: Growth.self,
      bufferingPolicy: .bufferingNewest(1)
    )
    state.withLock { state in
      listener.yield(state.growth)
      if case .growing = state.growth {
        state.listeners.append(listener)
      } else {
        listener.finish()
      }
    }
    return growths
  }
}
