import MeshTypes

/// The arena cut into slabs of equal size; a slab holds blocks of one size class, and belongs to
/// none while it is empty.
///
/// Knows for each slab when a block in it was last used and how many of its blocks must stay where
/// they are, so that a cold slab can be emptied for another class.
struct SlabPool: Sendable {
  /// Where a block lies.
  struct Address: Hashable, Sendable {
    var slab: Int
    /// The block's place in the slab.
    var place: Int
  }

  struct Slab: Sendable {
    /// nil while the slab is empty.
    var sizeClass: SizeClass?
    /// Places without a block; the last is taken next.
    var freePlaces: [Int32] = []
    /// `occupants[place]` is the entry there, or -1.
    var occupants: [Int32] = []
    var usedCount = 0
    /// Blocks that nothing may move or overwrite now.
    var heldCount = 0
    /// The tick of the latest use of any of its blocks.
    var lastUse: UInt64 = 0
  }

  let slabBytes: Int
  private(set) var slabs: [Slab]
  private var emptySlabs: [Int]
  private var useLinks = SlotLinks()
  /// Slabs that have a class; back: the longest unused.
  private var byUse = SlotQueue()
  private var roomLinks = SlotLinks()
  /// Slabs of each class that have a free place.
  private var withRoom: [SizeClass: SlotQueue] = [:]

  init(slabCount: Int, slabBytes: Int) {
    self.slabBytes = slabBytes
    slabs = Array(repeating: Slab(), count: slabCount)
    emptySlabs = Array((0..<slabCount).reversed())
    useLinks.grow(to: slabCount)
    roomLinks.grow(to: slabCount)
  }

  var emptySlabCount: Int { emptySlabs.count }

  func offset(of address: Address) -> Int {
    guard let stride = slabs[address.slab].sizeClass?.stride else {
      preconditionFailure("the slab is empty")
    }
    return address.slab * slabBytes + address.place * stride
  }

  /// Takes a free place of the class, in a slab of its own or in an empty one.
  ///
  /// - Returns: nil when there is neither.
  mutating func allocate(
    _ sizeClass: SizeClass,
    for entry: Int,
    at tick: UInt64
  ) -> Address? {
    var room = withRoom[sizeClass] ?? SlotQueue()
    if room.count == 0 {
      guard let empty = emptySlabs.popLast() else { return nil }
      assign(empty, to: sizeClass, at: tick)
      roomLinks.pushFront(empty, onto: &room)
    }
    let slab = room.front
    guard let place = slabs[slab].freePlaces.popLast() else {
      preconditionFailure("a slab with room has a free place")
    }
    if slabs[slab].freePlaces.isEmpty { roomLinks.unlink(slab, from: &room) }
    withRoom[sizeClass] = room.count > 0 ? room : nil
    slabs[slab].occupants[Int(place)] = Int32(entry)
    slabs[slab].usedCount += 1
    return Address(slab: slab, place: Int(place))
  }

  /// Gives a place back; a slab that becomes empty belongs to no class any more.
  mutating func free(_ address: Address) {
    let slab = address.slab
    guard let sizeClass = slabs[slab].sizeClass, slabs[slab].occupants[address.place] >= 0 else {
      preconditionFailure("the place is free already")
    }
    var room = withRoom[sizeClass] ?? SlotQueue()
    if slabs[slab].freePlaces.isEmpty { roomLinks.pushFront(slab, onto: &room) }
    slabs[slab].occupants[address.place] = -1
    slabs[slab].freePlaces.append(Int32(address.place))
    slabs[slab].usedCount -= 1
    if slabs[slab].usedCount == 0 {
      precondition(slabs[slab].heldCount == 0, "an empty slab holds nothing")
      roomLinks.unlink(slab, from: &room)
      useLinks.unlink(slab, from: &byUse)
      slabs[slab] = Slab()
      emptySlabs.append(slab)
    }
    withRoom[sizeClass] = room.count > 0 ? room : nil
  }

  private mutating func assign(_ slab: Int, to sizeClass: SizeClass, at tick: UInt64) {
    let places = slabBytes / sizeClass.stride
    precondition(places > 0, "a slab is as large as the largest block")
    slabs[slab].sizeClass = sizeClass
    slabs[slab].lastUse = tick
    slabs[slab].freePlaces = (0..<Int32(places)).reversed()
    slabs[slab].occupants = Array(repeating: -1, count: places)
    useLinks.pushFront(slab, onto: &byUse)
  }

  // MARK: Uses

  /// Notes that a block of the slab was used at `tick`, which never goes back.
  mutating func use(_ slab: Int, at tick: UInt64) {
    slabs[slab].lastUse = tick
    guard byUse.front != slab else { return }
    useLinks.unlink(slab, from: &byUse)
    useLinks.pushFront(slab, onto: &byUse)
  }

  /// Notes that one more of the slab's blocks must stay where it is, or one less.
  mutating func hold(_ slab: Int) { slabs[slab].heldCount += 1 }
  mutating func letGo(_ slab: Int) {
    precondition(slabs[slab].heldCount > 0, "nothing is held there")
    slabs[slab].heldCount -= 1
  }

  /// The longest unused slab, if it could be emptied for `sizeClass` and was last used before
  /// `tick`.
  ///
  /// - Complexity: O(1).
  func coldestSlab(for sizeClass: SizeClass, usedBefore tick: UInt64) -> Int? {
    let slab = byUse.back
    guard slab >= 0, slabs[slab].sizeClass != sizeClass, slabs[slab].heldCount == 0,
      slabs[slab].lastUse < tick
    else { return nil }
    return slab
  }

  /// The longest unused of the slabs that could be emptied for `sizeClass`.
  ///
  /// - Complexity: O(slabs).
  func anySlab(for sizeClass: SizeClass) -> Int? {
    var slab = byUse.back
    while slab >= 0 {
      if slabs[slab].sizeClass != sizeClass, slabs[slab].heldCount == 0 { return slab }
      slab = useLinks.newer(than: slab)
    }
    return nil
  }

  // MARK: Invariants

  /// - Throws: ``MeshError`` `internalError` naming what does not agree.
  func checkInvariants() throws(MeshError) {
    guard let used = useLinks.slots(of: byUse) else {
      throw MeshError(.internalError, "the slabs' order of use is broken")
    }
    guard Set(used).union(emptySlabs) == Set(slabs.indices),
      used.count + emptySlabs.count == slabs.count
    else { throw MeshError(.internalError, "a slab is neither empty nor in use, or both") }
    for slab in emptySlabs where slabs[slab].sizeClass != nil {
      throw MeshError(.internalError, "empty slab \(slab) belongs to a class")
    }
    for (newer, older) in zip(used.dropFirst(), used)
    where slabs[newer].lastUse < slabs[older].lastUse {
      throw MeshError(.internalError, "slab \(older) was used after slab \(newer)")
    }
    var roomy: Set<Int> = []
    for (sizeClass, queue) in withRoom {
      guard let room = roomLinks.slots(of: queue),
        room.allSatisfy({ slabs[$0].sizeClass == sizeClass })
      else { throw MeshError(.internalError, "the slabs with room of \(sizeClass) are broken") }
      roomy.formUnion(room)
    }
    for slab in used {
      let places = slabs[slab].occupants
      let occupied = places.count { $0 >= 0 }
      guard occupied > 0, occupied == slabs[slab].usedCount,
        occupied + slabs[slab].freePlaces.count == places.count,
        Set(slabs[slab].freePlaces).count == slabs[slab].freePlaces.count,
        slabs[slab].freePlaces.allSatisfy({ places[Int($0)] < 0 }),
        slabs[slab].heldCount <= occupied, roomy.contains(slab) == (occupied < places.count)
      else { throw MeshError(.internalError, "slab \(slab)'s places do not add up") }
    }
  }
}
