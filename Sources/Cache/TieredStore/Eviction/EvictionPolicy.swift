package import MeshTypes

/// Decides which block goes when room is needed.
///
/// A pure state machine over *slots*: small integers that the owner gives to its entries and may
/// give to others once they are removed. It sees when an entry comes, is used and goes, and chooses
/// victims; it knows neither keys nor payloads nor capacities: the owner decides when something
/// must go. Every call is O(1) amortised.
///
/// A *pinned* slot is never a victim. It keeps its place until it would have been the next victim;
/// there it is parked outside of the order, and it comes back to that end when it is unpinned.
package protocol EvictionPolicy: Sendable {
  /// Creates a policy that knows no slots.
  init()

  /// The number of slots inserted and not removed.
  var count: Int { get }
  /// The sizes of those slots, added up.
  var totalBytes: Int { get }
  /// How many of them are not pinned.
  var evictableCount: Int { get }

  /// Adds a slot, unpinned.
  ///
  /// - Parameters:
  ///   - slot: Not inserted now; small, since memory is used up to the largest.
  ///   - byteCount: The entry's size, at least 1.
  ///   - fingerprint: The same for the same entry when it comes again; equal for different ones
  ///     almost never. Only compared, so it need not be the same in another process.
  mutating func insert(_ slot: Int, byteCount: Int, fingerprint: UInt64)

  /// Notes a use of the entry, pinned or not.
  mutating func hit(_ slot: Int)

  /// Forgets a slot whose entry went for another reason than room, pinned or not.
  mutating func remove(_ slot: Int)

  /// Keeps an unpinned slot from being a victim.
  mutating func pin(_ slot: Int)

  /// Ends what ``pin(_:)`` began.
  mutating func unpin(_ slot: Int)

  /// Chooses the slot to go next; without other calls in between it stays the same.
  ///
  /// - Returns: nil exactly when ``evictableCount`` is 0.
  mutating func nextVictim() -> Int?

  /// Removes an unpinned slot to make room; the policy may remember that it was here.
  mutating func evict(_ slot: Int)

  /// Checks that counts, sizes and orders agree.
  ///
  /// - Throws: ``MeshError`` `internalError` naming what does not.
  /// - Complexity: O(slots); for tests.
  func checkInvariants() throws(MeshError)
}

/// The policies to choose from.
package enum EvictionPolicyKind: String, CaseIterable, Sendable {
  /// ``S3FIFOPolicy``
  case s3FIFO = "s3-fifo"
  /// ``SIEVEPolicy``
  case sieve
  /// ``LRUPolicy``
  case lru

  /// A new policy of this kind.
  package func makePolicy() -> any EvictionPolicy {
    switch self {
    case .s3FIFO: S3FIFOPolicy()
    case .sieve: SIEVEPolicy()
    case .lru: LRUPolicy()
    }
  }
}
