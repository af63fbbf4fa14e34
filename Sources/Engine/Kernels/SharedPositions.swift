import CKernels

/// Finds rows whose sequences begin with the same blocks, so that attention reads these once for all
/// of them.
///
/// Only single rows take part: several rows of a sequence share its blocks among themselves. Allocates
/// nothing once it has been as large as it gets.
struct SharedPositions {
  /// What a span has to do with others.
  struct Membership: Equatable {
    /// Leading positions shared with the others of its group; 0 without a group.
    var positionCount = 0
    /// The first span of its group.
    var leader = 0
    /// The group's next span.
    var next: Int?
  }

  /// One for each span; empty before they were looked for.
  private var memberships: [Membership] = []
  /// Of the group being looked for: spans and what they have in common with its first.
  private var candidates: [(span: Int, positionCount: Int)] = []

  /// Fewer are not worth a group: results are put down and taken up again.
  private static let leastPositions = 128
  /// Beyond what is shared a sequence is gone through by one thread.
  private static let mostOwnPositions = 2048
  /// What a softmax is left unfinished after.
  private static let chunk = Int(WK_ATTENTION_CHUNK)
  /// Attempts to find a group, each of which looks at all spans.
  private static let attempts = 16

  mutating func reserve(spanCount: Int) {
    memberships.reserveCapacity(spanCount)
    candidates.reserveCapacity(spanCount)
  }

  /// Forgets the groups.
  mutating func removeAll() { memberships.removeAll(keepingCapacity: true) }

  func membership(of span: Int) -> Membership {
    memberships.isEmpty ? Membership(leader: span) : memberships[span]
  }

  /// Finds the groups.
  ///
  /// - Complexity: O(spans × blocks of a sequence) for each attempt, and O(spans²) for a group whose
  ///   members have as many different lengths in common with its first.
  mutating func find(
    _ spans: [PagedRows.Span],
    tables: UnsafeBufferPointer<UInt32>,
    blockSizeTokens: Int
  ) {
    memberships.removeAll(keepingCapacity: true)
    for index in spans.indices { memberships.append(Membership(leader: index)) }
    var attempts = 0
    for leader in spans.indices where attempts < Self.attempts {
      guard memberships[leader].positionCount == 0, canShare(spans[leader]) else { continue }
      attempts += 1
      candidates.removeAll(keepingCapacity: true)
      for index in spans.indices[leader...]
      where memberships[index].positionCount == 0 && canShare(spans[index]) {
        let shared = Self.shared(spans[leader], spans[index], tables, blockSizeTokens)
        if shared >= Self.leastPositions { candidates.append((index, shared)) }
      }
      group(leader, spans)
    }
  }

  private func canShare(_ span: PagedRows.Span) -> Bool {
    span.rowCount == 1 && span.firstPosition >= Self.leastPositions
  }

  /// Makes those candidates a group that save most together.
  private mutating func group(_ leader: Int, _ spans: [PagedRows.Span]) {
    var best = (saved: 0, positionCount: 0)
    for candidate in candidates
    where candidate.span != leader && candidate.positionCount != best.positionCount {
      let count = candidates.reduce(0) {
        $0 + (Self.joins($1, spans, sharing: candidate.positionCount) ? 1 : 0)
      }
      let saved = (count - 1) * candidate.positionCount
      if saved > best.saved { best = (saved, candidate.positionCount) }
    }
    guard best.saved > 0, Self.joins((leader, .max), spans, sharing: best.positionCount) else {
      return
    }
    var last = leader
    for candidate in candidates where Self.joins(candidate, spans, sharing: best.positionCount) {
      memberships[candidate.span] = Membership(positionCount: best.positionCount, leader: leader)
      if candidate.span != leader { memberships[last].next = candidate.span }
      last = candidate.span
    }
  }

  private static func joins(
    _ candidate: (span: Int, positionCount: Int),
    _ spans: [PagedRows.Span],
    sharing positionCount: Int
  ) -> Bool {
    candidate.positionCount >= positionCount
      && spans[candidate.span].firstPosition - positionCount <= mostOwnPositions
  }

  /// Leading positions, in whole chunks, that two spans have in the same blocks.
  private static func shared(
    _ first: PagedRows.Span,
    _ second: PagedRows.Span,
    _ tables: UnsafeBufferPointer<UInt32>,
    _ blockSizeTokens: Int
  ) -> Int {
    let limit = min(first.firstPosition, second.firstPosition)
    var positions = 0, block = 0
    while positions < limit,
      tables[first.tableOffset + block] == tables[second.tableOffset + block]
    {
      block += 1
      positions += blockSizeTokens
    }
    return min(positions, limit) / chunk * chunk
  }
}
