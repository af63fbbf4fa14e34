import BlockCache
import MeshTypes
import Scheduling

/// The KV store that all workers share: what each block's slots hold, by namespace and
/// key. When it is full, what was stored first goes.
struct SimulatedStore {
  struct Place: Hashable {
    var namespace: String
    var key: BlockKey
  }

  let capacityBlocks: Int
  private var blocks: [Place: [UInt32]] = [:]
  /// Oldest first, from `oldest` on.
  private var order: [Place] = []
  private var oldest = 0

  init(capacityBlocks: Int) { self.capacityBlocks = capacityBlocks }

  mutating func put(
    _ namespace: String,
    _ key: BlockKey,
    _ content: [UInt32]
  ) throws(SimulationViolation) {
    let place = Place(namespace: namespace, key: key)
    if let present = blocks[place] {
      try require(present == content, "two contents are stored under one key")
      return
    }
    blocks[place] = content
    order.append(place)
    while blocks.count > capacityBlocks {
      blocks[order[oldest]] = nil
      oldest += 1
    }
    if oldest > 4096, oldest > order.count / 2 {
      order.removeFirst(oldest)
      oldest = 0
    }
  }

  func get(_ namespace: String, _ key: BlockKey) -> [UInt32]? {
    blocks[Place(namespace: namespace, key: key)]
  }

  mutating func removeAll() {
    blocks = [:]
    order = []
    oldest = 0
  }

  func answer(_ query: StoreQuery) -> StoreAnswer {
    let count = query.keys.prefix { get(query.namespace, $0) != nil }.count
    return StoreAnswer(
      to: query,
      StoredPrefix(stretches: count > 0 ? [.init(tier: .memory, blockCount: count)] : [])
    )
  }
}
