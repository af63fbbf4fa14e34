import MeshTypes

/// One eviction policy for the blocks of one size class in one namespace: what a class or a
/// namespace has to give up comes from its own order.
struct EvictionGroups: Sendable {
  /// An entry's place in its group.
  struct Membership: Hashable, Sendable {
    var group: Int32
    var slot: Int32
  }

  private struct Key: Hashable, Sendable {
    var sizeClass: SizeClass
    var namespace: Int
  }

  private struct Group: Sendable {
    var key: Key
    var policy: any EvictionPolicy
    /// `entries[slot]` has that slot in the policy, or -1.
    var entries: [Int32] = []
    var freeSlots: [Int32] = []
  }

  private let kind: EvictionPolicyKind
  private var groups: [Group] = []
  private var unusedGroups: [Int] = []
  private var indices: [Key: Int] = [:]
  private var ofClass: [SizeClass: [Int]] = [:]
  private var ofNamespace: [Int: [Int]] = [:]

  init(kind: EvictionPolicyKind) { self.kind = kind }

  // MARK: Entries

  /// Adds an entry, unpinned.
  mutating func insert(
    _ entry: Int,
    namespace: Int,
    sizeClass: SizeClass,
    byteCount: Int,
    fingerprint: UInt64
  ) -> Membership {
    let group = group(for: Key(sizeClass: sizeClass, namespace: namespace))
    let slot = groups[group].freeSlots.popLast() ?? Int32(groups[group].entries.count)
    if Int(slot) == groups[group].entries.count { groups[group].entries.append(-1) }
    groups[group].entries[Int(slot)] = Int32(entry)
    groups[group].policy.insert(Int(slot), byteCount: byteCount, fingerprint: fingerprint)
    return Membership(group: Int32(group), slot: slot)
  }

  mutating func hit(_ membership: Membership) {
    groups[Int(membership.group)].policy.hit(Int(membership.slot))
  }

  mutating func pin(_ membership: Membership) {
    groups[Int(membership.group)].policy.pin(Int(membership.slot))
  }

  mutating func unpin(_ membership: Membership) {
    groups[Int(membership.group)].policy.unpin(Int(membership.slot))
  }

  mutating func remove(_ membership: Membership) {
    groups[Int(membership.group)].policy.remove(Int(membership.slot))
    free(membership)
  }

  mutating func evict(_ membership: Membership) {
    groups[Int(membership.group)].policy.evict(Int(membership.slot))
    free(membership)
  }

  private mutating func free(_ membership: Membership) {
    let group = Int(membership.group)
    groups[group].entries[Int(membership.slot)] = -1
    groups[group].freeSlots.append(membership.slot)
    if groups[group].policy.count == 0 { dissolve(group) }
  }

  // MARK: Victims

  /// The entry that the group gives up next; nil when all are pinned.
  mutating func nextVictim(of group: Int) -> Int? {
    groups[group].policy.nextVictim().map { Int(groups[group].entries[$0]) }
  }

  /// The groups of a class, a namespace, or all, that have something to give up.
  ///
  /// - Complexity: O(groups looked at).
  func evictable(in sizeClass: SizeClass) -> [Int] { evictable(ofClass[sizeClass] ?? []) }
  func evictable(in namespace: Int) -> [Int] { evictable(ofNamespace[namespace] ?? []) }
  func evictable() -> [Int] { evictable(Array(indices.values)) }

  private func evictable(_ candidates: [Int]) -> [Int] {
    candidates.filter { groups[$0].policy.evictableCount > 0 }
  }

  func namespace(of group: Int) -> Int { groups[group].key.namespace }
  func sizeClass(of group: Int) -> SizeClass { groups[group].key.sizeClass }

  // MARK: Groups come and go

  private mutating func group(for key: Key) -> Int {
    if let present = indices[key] { return present }
    let new = Group(key: key, policy: kind.makePolicy())
    let group: Int
    if let unused = unusedGroups.popLast() {
      group = unused
      groups[group] = new
    } else {
      group = groups.count
      groups.append(new)
    }
    indices[key] = group
    ofClass[key.sizeClass, default: []].append(group)
    ofNamespace[key.namespace, default: []].append(group)
    return group
  }

  /// A group without entries is forgotten: sizes and namespaces come from outside and may be many.
  private mutating func dissolve(_ group: Int) {
    let key = groups[group].key
    indices[key] = nil
    ofClass[key.sizeClass]?.removeAll { $0 == group }
    if ofClass[key.sizeClass]?.isEmpty == true { ofClass[key.sizeClass] = nil }
    ofNamespace[key.namespace]?.removeAll { $0 == group }
    if ofNamespace[key.namespace]?.isEmpty == true { ofNamespace[key.namespace] = nil }
    groups[group] = Group(key: key, policy: kind.makePolicy())
    unusedGroups.append(group)
  }

  // MARK: Invariants

  /// What a member's group knows about it.
  func entry(of membership: Membership) -> Int {
    Int(groups[Int(membership.group)].entries[Int(membership.slot)])
  }

  /// The number of entries in all groups.
  var count: Int { indices.values.reduce(0) { $0 + groups[$1].policy.count } }
  /// How many of them are not pinned.
  var evictableCount: Int { indices.values.reduce(0) { $0 + groups[$1].policy.evictableCount } }
  /// Their sizes, added up.
  var totalBytes: Int { indices.values.reduce(0) { $0 + groups[$1].policy.totalBytes } }

  /// - Throws: ``MeshError`` `internalError` naming what does not agree.
  func checkInvariants() throws(MeshError) {
    for (key, group) in indices {
      try groups[group].policy.checkInvariants()
      guard groups[group].key == key, ofClass[key.sizeClass]?.contains(group) == true,
        ofNamespace[key.namespace]?.contains(group) == true
      else { throw MeshError(.internalError, "group \(group) is not found by its key") }
      guard groups[group].policy.count == groups[group].entries.count(where: { $0 >= 0 }),
        groups[group].policy.count > 0
      else { throw MeshError(.internalError, "group \(group) has entries that it does not know") }
    }
    guard indices.count + unusedGroups.count == groups.count else {
      throw MeshError(.internalError, "a group is neither in use nor unused")
    }
  }
}
