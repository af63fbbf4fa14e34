package import BlockCache
package import MeshTypes

/// Finding and holding blocks.
extension MemoryTier {
  /// The longest prefix of `keys` that is here. Counts as no use.
  ///
  /// - Throws: ``MeshError`` `notFound` for an unknown namespace.
  /// - Complexity: O(blocks found).
  package func longestPrefix(
    of keys: some Sequence<BlockKey>,
    in namespace: NamespaceID
  ) throws(MeshError) -> PrefixMatch {
    try check(namespace)
    var match = PrefixMatch()
    for key in keys {
      guard let entry = index[StoredKey(namespace: namespace, key: key)] else { break }
      match.blockCount += 1
      match.byteCount += entries[Int(entry)].byteCount
    }
    return match
  }

  /// The payload sizes of `keys`, nil for those that are not here. Counts as no use.
  ///
  /// - Throws: ``MeshError`` `notFound` for an unknown namespace.
  package func byteCounts(
    of keys: some Collection<BlockKey>,
    in namespace: NamespaceID
  ) throws(MeshError) -> [Int?] {
    try check(namespace)
    return keys.map { key in
      index[StoredKey(namespace: namespace, key: key)].map { entries[Int($0)].byteCount }
    }
  }

  /// Holds a block for reading and notes its use.
  ///
  /// - Returns: nil when it is not here. Else end with ``release(_:)``.
  /// - Throws: ``MeshError`` `notFound` for an unknown namespace.
  package mutating func acquire(
    _ namespace: NamespaceID,
    _ key: BlockKey
  ) throws(MeshError) -> BlockExtent? {
    try check(namespace)
    guard let found = index[StoredKey(namespace: namespace, key: key)] else {
      namespaces[namespace].missCount += 1
      return nil
    }
    namespaces[namespace].hitCount += 1
    hit(Int(found))
    return hold(Int(found))
  }

  /// Holds a block without noting a use, for the tier below.
  ///
  /// - Returns: nil when it is not here. Else end with ``release(_:)``.
  package mutating func holdUnused(_ namespace: NamespaceID, _ key: BlockKey) -> BlockExtent? {
    index[StoredKey(namespace: namespace, key: key)].map { hold(Int($0)) }
  }

  /// Holds the longest prefix of `keys` that is here, as ``acquire(_:_:)`` does. The keys behind it
  /// count as misses.
  package mutating func acquirePrefix(
    of keys: some Collection<BlockKey>,
    in namespace: NamespaceID
  ) throws(MeshError) -> [BlockExtent] {
    try check(namespace)
    var found: [Int] = []
    for key in keys {
      guard let entry = index[StoredKey(namespace: namespace, key: key)] else { break }
      found.append(Int(entry))
    }
    namespaces[namespace].hitCount += UInt64(found.count)
    namespaces[namespace].missCount += UInt64(keys.count - found.count)
    // The last block first: what follows a prefix is worth nothing without it, and goes earlier.
    for entry in found.reversed() { hit(entry) }
    return found.map { hold($0) }
  }

  /// Ends a hold. The bytes must not be looked at any more.
  package mutating func release(_ handle: BlockHandle) {
    let entry = self.entry(handle)
    precondition(
      entries[entry].state != .reserved && entries[entry].holdCount > 0,
      "nobody holds the block"
    )
    entries[entry].holdCount -= 1
    unprotectIfLast(entry)
  }

  /// Notes a use of every one of `keys` that is here, wherever in the list, the last first.
  ///
  /// - Returns: How many are here.
  /// - Throws: ``MeshError`` `notFound` for an unknown namespace.
  package mutating func touch(
    _ keys: some Sequence<BlockKey>,
    in namespace: NamespaceID
  ) throws(MeshError) -> Int {
    try check(namespace)
    var count = 0
    for key in keys.reversed() {
      guard let found = index[StoredKey(namespace: namespace, key: key)] else { continue }
      hit(Int(found))
      count += 1
    }
    return count
  }
}

/// Holds and uses of one entry.
extension MemoryTier {
  func check(_ namespace: NamespaceID) throws(MeshError) {
    guard namespaces.contains(namespace) else {
      throw MeshError(.notFound, "no namespace \(namespace.rawValue)", field: "namespace")
    }
  }

  /// The record that a handle stands for.
  func entry(_ handle: BlockHandle) -> Int {
    let entry = Int(handle.entry)
    precondition(
      entries[entry].generation == handle.generation && entries[entry].state != .vacant,
      "the handle is of an earlier block"
    )
    return entry
  }

  func handle(of entry: Int) -> BlockHandle {
    BlockHandle(entry: Int32(entry), generation: entries[entry].generation)
  }

  func extent(of entry: Int) -> BlockExtent {
    BlockExtent(
      handle: handle(of: entry),
      offset: slabs.offset(of: entries[entry].address),
      byteCount: entries[entry].byteCount,
      checksum: entries[entry].checksum
    )
  }

  mutating func noteUse(of entry: Int) {
    tick += 1
    entries[entry].lastUse = tick
    slabs.use(entries[entry].address.slab, at: tick)
  }

  mutating func hit(_ entry: Int) {
    groups.hit(entries[entry].membership)
    if entries[entry].useCount < .max { entries[entry].useCount += 1 }
    noteUse(of: entry)
  }

  /// Holds a published entry.
  mutating func hold(_ entry: Int) -> BlockExtent {
    protectIfFirst(entry)
    entries[entry].holdCount += 1
    return extent(of: entry)
  }

  /// To be called before the first hold or pin of a published entry is counted.
  mutating func protectIfFirst(_ entry: Int) {
    guard !entries[entry].isProtected else { return }
    groups.pin(entries[entry].membership)
    slabs.hold(entries[entry].address.slab)
  }

  /// To be called after a hold or pin has ended.
  mutating func unprotectIfLast(_ entry: Int) {
    guard !entries[entry].isProtected else { return }
    slabs.letGo(entries[entry].address.slab)
    if entries[entry].state == .leaving {
      free(entry)
    } else {
      groups.unpin(entries[entry].membership)
    }
  }
}
