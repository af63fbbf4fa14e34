import BlockCache
import MeshTypes
import TieredStore

/// How fast one thread moves payloads into a store and reads them back, in MB/s.
struct StoreThroughput {
  /// Checksum and copy into an arena whose pages are resident already.
  var putMegabytesPerSecond = 0.0
  /// Holding with the checksum verified; sending the bytes is not included.
  var getMegabytesPerSecond = 0.0

  init(blockBytes: Int = 368_640, capacityBytes: Int = 256 << 20) throws {
    let store = try MemoryStore(
      configuration: MemoryTierConfiguration(capacityBytes: capacityBytes, policy: .lru)
    )
    let namespace = try store.withTier { tier throws(MeshError) in try tier.openNamespace("") }
    let payload = [UInt8](repeating: 1, count: blockBytes)
    let root = BlockKey.root(
      modelDigest: [],
      numericsID: "",
      layout: "",
      blockSizeTokens: Trace.blockSizeTokens
    )
    let count = capacityBytes / blockBytes / 2
    let keys = (0..<4 * count).map { root.child(of: [TokenID($0)]) }
    var evictions: [Eviction] = []
    func put(_ keys: ArraySlice<BlockKey>) throws {
      for key in keys {
        _ = try store.put(
          payload.span.bytes,
          as: key,
          in: namespace,
          nowMilliseconds: 0,
          evictions: &evictions
        )
      }
    }
    let clock = ContinuousClock()
    let megabytes = Double(count * blockBytes) / 1e6
    try put(keys[..<(3 * count)])
    let put = try clock.measure { try put(keys[(3 * count)...]) }
    putMegabytesPerSecond = megabytes / (put / .seconds(1))
    let get = try clock.measure {
      for key in keys[(3 * count)...] where try store.get(key, in: namespace) == nil {
        preconditionFailure("the latest blocks are here")
      }
    }
    getMegabytesPerSecond = megabytes / (get / .seconds(1))
  }
}
