import MeshTypes

/// All live sequences, each in a slot that stays the same while it lives: inside the scheduler a
/// sequence is a slot, so that the hot path indexes an array.
struct SequenceTable: Sendable {
  private(set) var slotByID: [SequenceID: Int] = [:]
  private var slots: [InferenceSequence] = []
  private var vacantSlots: [Int] = []

  var count: Int { slotByID.count }

  subscript(slot: Int) -> InferenceSequence {
    _read { yield slots[slot] }
    _modify { yield &slots[slot] }
  }

  func slot(of id: SequenceID) -> Int? { slotByID[id] }

  mutating func insert(_ sequence: InferenceSequence) -> Int {
    let slot: Int
    if let vacant = vacantSlots.popLast() {
      slot = vacant
      slots[slot] = sequence
    } else {
      slot = slots.count
      slots.append(sequence)
    }
    slotByID[sequence.id] = slot
    return slot
  }

  mutating func remove(_ slot: Int) {
    slotByID[slots[slot].id] = nil
    slots[slot].tokenIDs = []
    slots[slot].blockTable = []
    slots[slot].keyChains = []
    vacantSlots.append(slot)
  }
}
