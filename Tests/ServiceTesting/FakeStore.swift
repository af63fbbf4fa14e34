package import BlockCache
import Checksum
import GRPCCore
package import MeshProtos
import SwiftProtobuf
import Synchronization

/// A store in this process that behaves as a test wants it to.
package final class FakeStore: Sendable {
  /// What it does when it is asked.
  package enum Behaviour: Sendable {
    /// What a store does.
    case honest
    /// Takes every call and answers none.
    case silent
    /// Gives so many blocks and then keeps silent.
    case stallsAfter(Int)
    /// Gives so many blocks and then breaks off.
    case failsAfter(Int)
    /// Gives so many blocks, waits for ``FakeStore/release()``, and gives the rest, wanted or not.
    case holdsAfter(Int)
    /// Gives blocks with the wrong places, and says that it has more than it was asked for.
    case nonsense
    /// Has no room.
    case full
  }

  package struct Block: Sendable, Hashable {
    package var payload: [UInt8]
    package var tier = Weft_Kvstore_V1_Tier.dram

    package init(payload: [UInt8], tier: Weft_Kvstore_V1_Tier = .dram) {
      self.payload = payload
      self.tier = tier
    }
  }

  private struct State {
    var behaviour: Behaviour
    var blocks: [BlockKey: Block] = [:]
    var callCount = 0
    var partCounts: [BlockKey: Int] = [:]
  }

  private let state: Mutex<State>
  /// Has no elements, and ends with the release.
  private let held = AsyncStream.makeStream(of: Never.self)

  package init(_ behaviour: Behaviour = .honest) { state = Mutex(State(behaviour: behaviour)) }

  package var behaviour: Behaviour {
    get { state.withLock(\.behaviour) }
    set { state.withLock { $0.behaviour = newValue } }
  }

  package var blocks: [BlockKey: Block] {
    get { state.withLock(\.blocks) }
    set { state.withLock { $0.blocks = newValue } }
  }

  /// Calls that have arrived.
  package var callCount: Int { state.withLock(\.callCount) }

  /// In how many parts each block came, complete or not.
  package var partCounts: [BlockKey: Int] { state.withLock(\.partCounts) }

  func countPart(of key: BlockKey) { state.withLock { $0.partCounts[key, default: 0] += 1 } }

  /// Counts a call, and holds it for ever if that is the behaviour.
  func enter(_ context: ServerContext) async throws -> Behaviour {
    let behaviour = state.withLock { state in
      state.callCount += 1
      return state.behaviour
    }
    if case .silent = behaviour { try await Self.wait(context) }
    return behaviour
  }

  /// Lets go of what it holds, now and from now on.
  package func release() { held.continuation.finish() }

  func waitForRelease() async { for await _ in held.stream {} }

  static func wait(_ context: ServerContext) async throws {
    try await context.cancellation.cancelled
    throw RPCError(code: .cancelled, message: "the call was cancelled")
  }

  /// - Returns: The canonical code of the outcome.
  func put(_ key: BlockKey, _ payload: [UInt8], checksum: UInt32?) -> Status.Code {
    guard CRC32C.checksum(payload.span.bytes) == checksum else { return .dataLoss }
    return state.withLock { state in
      if case .full = state.behaviour { return .resourceExhausted }
      if let known = state.blocks[key] { return known.payload == payload ? .ok : .alreadyExists }
      state.blocks[key] = Block(payload: payload)
      return .ok
    }
  }
}
