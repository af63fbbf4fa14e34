package import MeshTypes

/// A block that begins with what another one holds: two sequences have the same tokens up to a place
/// within it, and from there on each writes its own.
package struct BlockCopy: Hashable, Sendable {
  /// The block whose positions have been written.
  package var source: BlockID
  /// The block that no plan has used yet for the sequence that it is for.
  package var destination: BlockID
  /// Leading positions that are needed, at least 1; what follows them in the block is of no meaning.
  package var tokenCount: Int

  /// Creates a copy.
  package init(source: BlockID, destination: BlockID, tokenCount: Int) {
    self.source = source
    self.destination = destination
    self.tokenCount = tokenCount
  }
}
