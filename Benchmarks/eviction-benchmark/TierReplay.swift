import BlockCache
import MeshTypes
import TieredStore

/// What the records of a memory tier cost while a trace runs through them, without payloads.
struct TierReplay {
  /// Operations of one kind and the time they took together.
  struct Cost {
    var count = 0
    var duration = Duration.zero

    var nanoseconds: Double { duration / .nanoseconds(1) / Double(max(count, 1)) }
  }

  /// For each key found.
  var lookup = Cost()
  /// For each block acquired and released.
  var get = Cost()
  /// For each block reserved and published, evictions included.
  var put = Cost()

  init(_ trace: Trace, capacityBlocks: Int, policy: EvictionPolicyKind) throws {
    let blockBytes = 368_640
    let blocksPerSlab = (16 << 20) / blockBytes
    let slabCount = (capacityBlocks + blocksPerSlab - 1) / blocksPerSlab
    var tier = try MemoryTier(
      configuration: MemoryTierConfiguration(
        capacityBytes: slabCount * 16 << 20,
        policy: policy
      )
    )
    let namespace = try tier.openNamespace("")
    let root = BlockKey.root(
      modelDigest: [],
      numericsID: "",
      layout: "",
      blockSizeTokens: Trace.blockSizeTokens
    )
    let keys = (0..<trace.idLimit).map { root.child(of: [TokenID($0)]) }
    let clock = ContinuousClock()
    var evictions: [Eviction] = []
    for request in trace.requests {
      let wanted = request.hashIDs.map { keys[$0] }
      var present = 0
      lookup.duration += try clock.measure {
        present = try tier.longestPrefix(of: wanted, in: namespace).blockCount
      }
      lookup.count += present
      get.duration += try clock.measure {
        for extent in try tier.acquirePrefix(of: wanted, in: namespace) {
          tier.release(extent.handle)
        }
      }
      get.count += present
      put.duration += try clock.measure {
        for key in wanted.dropFirst(present) {
          let outcome = try tier.reserve(
            namespace,
            key,
            byteCount: blockBytes,
            nowMilliseconds: 0,
            evictions: &evictions
          )
          switch outcome {
          case .reserved(let extent): _ = tier.publish(extent.handle, checksum: 0)
          case .present(let extent): tier.release(extent.handle)
          case .exhausted, .overQuota: preconditionFailure("nothing is held here")
          }
        }
      }
      put.count += wanted.count - present
      evictions.removeAll(keepingCapacity: true)
    }
  }
}
