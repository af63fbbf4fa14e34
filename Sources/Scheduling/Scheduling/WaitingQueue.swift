/// The sequences without a worker, by rank. Arrivals go to the end and leave at the front, both in
/// constant time as long as there is one priority; what comes back finds its place by its rank.
struct WaitingQueue: Sendable {
  struct Entry: Hashable, Sendable {
    var rank: SequenceRank
    var slot: Int
    var promptTokens: Int
  }

  // Entries before `head` have left; the room they leave takes those that come back to the front.
  private var entries: [Entry] = []
  private var head = 0
  /// Tokens of all prompts that wait.
  private(set) var promptTokens = 0

  var count: Int { entries.count - head }
  var isEmpty: Bool { count == 0 }
  var slots: [Int] { entries[head...].map(\.slot) }

  /// The slot at a place, 0 being the front.
  subscript(place: Int) -> Int { entries[head + place].slot }

  mutating func insert(_ slot: Int, rank: SequenceRank, promptTokens: Int) {
    let place = place(of: rank)
    let entry = Entry(rank: rank, slot: slot, promptTokens: promptTokens)
    self.promptTokens += promptTokens
    if place == 0, head > 0 {
      head -= 1
      entries[head] = entry
    } else {
      entries.insert(entry, at: head + place)
    }
  }

  mutating func remove(at place: Int) {
    promptTokens -= entries[head + place].promptTokens
    guard place == 0 else {
      entries.remove(at: head + place)
      return
    }
    head += 1
    guard head > 64, head > entries.count / 2 else { return }
    entries.removeFirst(head)
    head = 0
  }

  mutating func remove(rank: SequenceRank) {
    let place = place(of: rank)
    precondition(place < count && entries[head + place].rank == rank, "it does not wait")
    remove(at: place)
  }

  /// The first place whose rank is not before `rank`.
  private func place(of rank: SequenceRank) -> Int {
    if let last = entries.last, head < entries.count, last.rank < rank { return count }
    return entries[head...].count(whileLeading: { $0.rank < rank })
  }
}
