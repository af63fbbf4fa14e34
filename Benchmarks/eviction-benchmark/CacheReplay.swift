import TieredStore

/// A cache of so many blocks under one policy, and what a trace finds in it.
struct CacheReplay {
  var hitCount = 0
  var accessCount = 0
  /// Tokens in the longest prefix that each request finds.
  var prefixTokens = 0
  var evictionCount = 0
  var duration = Duration.zero

  /// Every block of a request is used if it is there, else inserted.
  init(_ trace: Trace, capacityBlocks: Int, policy: some EvictionPolicy) {
    var policy = policy
    // The same in every run: where a block is, or -1, by its id.
    var slots = [Int](repeating: -1, count: trace.idLimit)
    var owners = [Int](repeating: -1, count: capacityBlocks)
    var usedSlots = 0
    duration = ContinuousClock().measure {
      for request in trace.requests {
        let present = request.hashIDs.prefix { slots[$0] >= 0 }.count
        prefixTokens += min(present * Trace.blockSizeTokens, request.inputLength)
        for id in request.hashIDs {
          if slots[id] >= 0 {
            hitCount += 1
            policy.hit(slots[id])
          } else {
            let slot: Int
            if usedSlots < capacityBlocks {
              slot = usedSlots
              usedSlots += 1
            } else if let victim = policy.nextVictim() {
              policy.evict(victim)
              slots[owners[victim]] = -1
              slot = victim
              evictionCount += 1
            } else {
              preconditionFailure("nothing is pinned here")
            }
            policy.insert(slot, byteCount: 1, fingerprint: UInt64(id))
            slots[id] = slot
            owners[slot] = id
          }
        }
        accessCount += request.hashIDs.count
      }
    }
  }

  var blockHitRatio: Double { Double(hitCount) / Double(max(accessCount, 1)) }

  func prefixHitRatio(of trace: Trace) -> Double {
    Double(prefixTokens) / Double(max(trace.tokenCount, 1))
  }

  /// Nanoseconds for one use, or one eviction with the insertion that it makes room for.
  var nanosecondsPerAccess: Double {
    duration / .nanoseconds(1) / Double(max(accessCount, 1))
  }
}
