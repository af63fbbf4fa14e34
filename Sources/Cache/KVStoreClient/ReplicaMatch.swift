import MeshProtos

/// What one replica says of its own subsequence of a list of keys.
struct ReplicaMatch {
  /// The places of its keys in the list.
  let places: [Int]
  /// Its answer, checked; empty if it gave none.
  let stretches: [StorePrefix.Stretch]

  /// A replica that did not answer.
  init(unanswered places: [Int]) {
    self.places = places
    stretches = []
  }

  /// - Returns: nil if the answer does not fit the question.
  init?(_ response: Weft_Kvstore_V1_LookupResponse, places: [Int]) {
    guard response.matches.count == 1 else { return nil }
    let match = response.matches[0]
    guard match.blockCount <= places.count else { return nil }
    var stretches: [StorePrefix.Stretch] = []
    var blockCount = 0
    for stretch in match.stretches {
      guard let checked = StorePrefix.Stretch(stretch) else { return nil }
      blockCount += checked.blockCount
      guard blockCount <= match.blockCount else { return nil }
      stretches.append(checked)
    }
    guard blockCount == match.blockCount else { return nil }
    self.places = places
    self.stretches = stretches
  }

  /// The place in the list before which nothing of this replica's is missing.
  func end(of keyCount: Int) -> Int {
    let count = stretches.reduce(0) { $0 + $1.blockCount }
    return count < places.count ? places[count] : keyCount
  }
}

extension StorePrefix.Stretch {
  /// Limits beyond which an answer is nonsense; sums of thousands of such stretches still fit.
  private static let greatest: UInt64 = 1 << 44

  fileprivate init?(_ stretch: Weft_Kvstore_V1_TierStretch) {
    guard stretch.byteCount <= Self.greatest, stretch.estimatedMicroseconds <= Self.greatest,
      stretch.blockCount > 0
    else { return nil }
    let tier: StorePrefix.Tier
    switch stretch.tier {
    case .dram: tier = .memory
    case .ssd: tier = .disk
    default: return nil
    }
    self.init(
      tier: tier,
      blockCount: Int(stretch.blockCount),
      byteCount: Int(stretch.byteCount),
      estimatedMicroseconds: Int(stretch.estimatedMicroseconds)
    )
  }

  /// A block's part of the bytes and of the time; the parts add up to the whole.
  fileprivate func part(ofBlock block: Int) -> (bytes: Int, microseconds: Int) {
    func part(of total: Int) -> Int {
      total / blockCount + (block < total % blockCount ? 1 : 0)
    }
    return (part(of: byteCount), part(of: estimatedMicroseconds))
  }
}

/// What is known of one block of a list.
private struct FoundBlock {
  var tier: StorePrefix.Tier
  var bytes: Int
  var microseconds: Int
  /// Which of the matches has it.
  var match: Int
}

extension StorePrefix {
  /// Puts the replicas' answers together: the prefix ends before the first key that is missing
  /// anywhere. Replicas read at the same time, so a stretch takes as long as its slowest part.
  init(_ matches: [ReplicaMatch], keyCount: Int, isComplete: Bool) {
    let end = matches.reduce(keyCount) { min($0, $1.end(of: keyCount)) }
    var found = [FoundBlock?](repeating: nil, count: end)
    for (index, match) in matches.enumerated() {
      var places = match.places[...]
      for stretch in match.stretches {
        for block in 0..<stretch.blockCount {
          guard let place = places.popFirst(), place < end else { break }
          let part = stretch.part(ofBlock: block)
          found[place] = FoundBlock(
            tier: stretch.tier,
            bytes: part.bytes,
            microseconds: part.microseconds,
            match: index
          )
        }
      }
    }
    self.init(isComplete: isComplete)
    var blocks = found.compactMap(\.self)[...]
    while let tier = blocks.first?.tier {
      let run = blocks.prefix { $0.tier == tier }
      var microseconds = [Int](repeating: 0, count: matches.count)
      for block in run { microseconds[block.match] += block.microseconds }
      stretches.append(
        Stretch(
          tier: tier,
          blockCount: run.count,
          byteCount: run.reduce(0) { $0 + $1.bytes },
          estimatedMicroseconds: microseconds.max() ?? 0
        )
      )
      blocks = blocks.dropFirst(run.count)
    }
  }
}
