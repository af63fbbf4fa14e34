package import BlockCache
package import MeshTypes

/// Blocks kept from eviction until a lease ends.
extension MemoryTier {
  /// Keeps the longest prefix of `keys` that is here from eviction until a time. Counts as no use.
  ///
  /// - Parameters:
  ///   - deadline: After `now`, by at most the longest lease of the settings.
  ///   - now: The time, on the same scale; leases that end until then have ended.
  /// - Returns: The lease, nil if not even the first key is here, and how many blocks it keeps.
  /// - Throws: ``MeshError`` `invalidArgument` for a deadline out of range, `resourceExhausted` when
  ///   too many leases are in force, `notFound` for an unknown namespace.
  package mutating func pinPrefix(
    of keys: some Sequence<BlockKey>,
    in namespace: NamespaceID,
    untilMilliseconds deadline: UInt64,
    nowMilliseconds now: UInt64
  ) throws(MeshError) -> (lease: LeaseID?, blockCount: Int) {
    try check(namespace)
    try checkDeadline(deadline, now)
    expireLeases(nowMilliseconds: now)
    guard leases.count < configuration.leaseLimit else {
      throw MeshError(.resourceExhausted, "\(configuration.leaseLimit) leases are in force")
    }
    var blocks: [BlockHandle] = []
    for key in keys {
      guard let found = index[StoredKey(namespace: namespace, key: key)] else { break }
      pin(Int(found))
      blocks.append(handle(of: Int(found)))
    }
    guard !blocks.isEmpty else { return (nil, 0) }
    let lease = LeaseTable.Lease(
      namespace: namespace,
      deadlineMilliseconds: deadline,
      blocks: blocks
    )
    return (leases.add(lease), blocks.count)
  }

  /// Moves the end of a lease.
  ///
  /// - Throws: ``MeshError`` `notFound` when the namespace has no such lease (any more),
  ///   `invalidArgument` for a deadline out of range.
  package mutating func extend(
    _ lease: LeaseID,
    in namespace: NamespaceID,
    untilMilliseconds deadline: UInt64,
    nowMilliseconds now: UInt64
  ) throws(MeshError) {
    try checkDeadline(deadline, now)
    expireLeases(nowMilliseconds: now)
    guard leases[lease]?.namespace == namespace else {
      throw MeshError(.notFound, "no lease \(lease.rawValue)", field: "lease")
    }
    leases.extend(lease, toMilliseconds: deadline)
  }

  /// Ends a lease.
  ///
  /// - Returns: false when the namespace has no such lease (any more).
  @discardableResult
  package mutating func unpin(_ lease: LeaseID, in namespace: NamespaceID) -> Bool {
    guard leases[lease]?.namespace == namespace, let ended = leases.remove(lease) else {
      return false
    }
    end(ended)
    return true
  }

  /// Ends the leases whose deadline is not after `now`.
  ///
  /// - Returns: How many ended.
  @discardableResult
  package mutating func expireLeases(nowMilliseconds now: UInt64) -> Int {
    var count = 0
    while let expired = leases.removeExpired(nowMilliseconds: now) {
      end(expired)
      count += 1
    }
    counters.expiredLeaseCount += UInt64(count)
    return count
  }

  private func checkDeadline(_ deadline: UInt64, _ now: UInt64) throws(MeshError) {
    let longest = configuration.longestLeaseMilliseconds
    guard deadline > now, deadline - now <= longest else {
      throw .invalid("deadline", "must be 1...\(longest) ms from now, got \(deadline) at \(now)")
    }
  }

  private mutating func pin(_ entry: Int) {
    protectIfFirst(entry)
    if entries[entry].pinCount == 0, let namespace = entries[entry].stored?.namespace {
      namespaces[namespace].pinnedBytes += entries[entry].byteCount
    }
    entries[entry].pinCount += 1
  }

  private mutating func end(_ lease: LeaseTable.Lease) {
    for block in lease.blocks {
      let entry = Int(block.entry)
      // Blocks that were removed meanwhile lost their pins then.
      guard entries[entry].generation == block.generation, entries[entry].state == .published
      else { continue }
      entries[entry].pinCount -= 1
      if entries[entry].pinCount == 0 {
        namespaces[lease.namespace].pinnedBytes -= entries[entry].byteCount
      }
      unprotectIfLast(entry)
    }
  }
}
