import BlockCache
import Checksum
import KVStoreWire
import MeshProtos
import Synchronization

/// Blocks of one size in memory that is there from the start; the oldest block makes room.
///
/// Not a store to use: a reader can see a block change that is written while it is sent.
final class PreallocatedStore: Sendable {
  private struct Slot {
    var key: BlockKey
    var checksum: UInt32
  }

  private struct State {
    var slots: [Slot?]
    var index: [BlockKey: Int] = [:]
    var next = 0
  }

  private final class Arena: @unchecked Sendable {
    let memory: UnsafeMutableRawBufferPointer

    init(byteCount: Int) {
      memory = .allocate(byteCount: byteCount, alignment: 4096)
      // Touch every page now.
      memory.initializeMemory(as: UInt8.self, repeating: 1)
    }

    deinit { memory.deallocate() }
  }

  let blockBytes: Int
  private let verifiesChecksums: Bool
  private let arena: Arena
  private let state: Mutex<State>

  init(blockBytes: Int, capacityBlocks: Int, verifiesChecksums: Bool) {
    self.blockBytes = blockBytes
    self.verifiesChecksums = verifiesChecksums
    arena = Arena(byteCount: blockBytes * capacityBlocks)
    state = Mutex(State(slots: Array(repeating: nil, count: capacityBlocks)))
  }

  /// - Returns: False if payload and checksum disagree or the size is wrong.
  func put(_ block: PutBlock) -> Bool {
    guard block.payload.byteCount == blockBytes else { return false }
    let place = state.withLock { state in
      let place = state.next
      state.next = (place + 1) % state.slots.count
      if let old = state.slots[place] { state.index[old.key] = nil }
      state.slots[place] = nil
      return place
    }
    var room = MutableRawSpan(_unsafeBytes: memory(at: place))
    var checksum = block.checksum ?? 0
    if verifiesChecksums {
      checksum = block.payload.copyWithChecksum(into: &room)
      guard checksum == block.checksum else { return false }
    } else {
      block.payload.copy(into: &room)
    }
    state.withLock { state in
      state.slots[place] = Slot(key: block.key, checksum: checksum)
      state.index[block.key] = place
    }
    return true
  }

  func get(_ key: BlockKey, keyIndex: Int) -> GotBlock? {
    let found = state.withLock { state in
      state.index[key].flatMap { place in state.slots[place].map { (place, $0.checksum) } }
    }
    guard let (place, checksum) = found else { return nil }
    return GotBlock(
      keyIndex: UInt32(keyIndex),
      tier: .dram,
      checksum: checksum,
      payload: BlockBytes(owner: arena, bytes: UnsafeRawBufferPointer(memory(at: place)))
    )
  }

  /// How many keys at the beginning of `keys` are here; 32 bytes each.
  func prefixCount(_ keys: RawSpan) -> Int {
    state.withLock { state in
      var count = 0
      while (count + 1) * BlockKey.byteCount <= keys.byteCount,
        state.index[BlockKey(from: keys, at: count * BlockKey.byteCount)] != nil
      {
        count += 1
      }
      return count
    }
  }

  private func memory(at place: Int) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(
      rebasing: arena.memory[place * blockBytes..<(place + 1) * blockBytes]
    )
  }
}
