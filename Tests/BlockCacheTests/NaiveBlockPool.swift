import BlockCache
import MeshTypes

/// A block pool as one would write it without caring for speed.
struct NaiveBlockPool {
  var free: [BlockID]
  var references: [BlockID: Int] = [:]
  var keys: [BlockID: BlockKey] = [:]

  init(blockCount: Int) {
    free = (0..<UInt32(blockCount)).map { BlockID($0) }
  }

  mutating func allocate() -> BlockID? {
    guard !free.isEmpty else { return nil }
    let block = free.removeFirst()
    keys[block] = nil
    references[block] = 1
    return block
  }

  mutating func retain(_ block: BlockID) {
    free.removeAll { $0 == block }
    references[block, default: 0] += 1
  }

  mutating func release(_ block: BlockID) {
    references[block, default: 0] -= 1
    guard references[block] == 0 else { return }
    if keys[block] == nil { free.insert(block, at: 0) } else { free.append(block) }
  }

  mutating func publish(_ block: BlockID, _ key: BlockKey) -> Bool {
    guard lookup(key) == nil else { return false }
    keys[block] = key
    return true
  }

  func lookup(_ key: BlockKey) -> BlockID? { keys.first { $0.value == key }?.key }
}
