/// A worker as one dispatch pass sees it; placements are counted at once.
struct WorkerLoad: Sendable {
  /// Whether it takes sequences in this pass.
  var isOpen: Bool
  /// Whether it takes sequences that first wait for a load, and so need no place in a batch yet.
  var takesLoads: Bool
  /// Positions that its sequences would take from its next step's budget.
  var demandTokens = 0
  /// Prompt positions not scheduled yet.
  var queuedTokens = 0
  /// Sequences there.
  var sequenceCount = 0
  /// Blocks that they are expected to need soon beyond those they have.
  var growthBlocks = 0
}
