/// What a ``BlockMover`` has done so far.
struct MoverStatistics: Hashable, Sendable, CustomStringConvertible {
  /// Loads that have ended.
  var loads = 0
  /// Blocks that they brought, and those that they were to bring and did not.
  var loadedBlocks = 0
  var missedBlocks = 0
  /// Blocks whose tag was wrong.
  var forgedBlocks = 0
  /// Blocks copied away, and those for which there was no buffer.
  var stagedBlocks = 0
  var droppedBlocks = 0
  /// Blocks that the store has now, and those that it has not.
  var storedBlocks = 0
  var refusedBlocks = 0
  /// Blocks of which the store has other bytes.
  var conflictingBlocks = 0

  var description: String {
    "loads \(loads) blocks \(loadedBlocks) missed \(missedBlocks) forged \(forgedBlocks); "
      + "staged \(stagedBlocks) dropped \(droppedBlocks) stored \(storedBlocks) "
      + "refused \(refusedBlocks) conflicting \(conflictingBlocks)"
  }
}
