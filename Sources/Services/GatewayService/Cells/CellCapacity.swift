/// What a cell's workers can do for one model.
package struct CellCapacity: Hashable, Sendable {
  /// Workers that run it.
  package var workerCount: Int
  /// Prompt tokens a second of all of them together.
  package var tokensPerSecond: Double
  /// The most tokens of a sequence on the largest of them.
  package var maxSequenceTokens: Int

  /// Of a worker that has not measured itself.
  package static let presumedTokensPerSecond = 1000.0

  /// Creates a capacity; the worker count is at least 1, the speed above 0.
  package init(
    workerCount: Int,
    tokensPerSecond: Double,
    maxSequenceTokens: Int = .max
  ) {
    self.workerCount = workerCount
    self.tokensPerSecond = tokensPerSecond
    self.maxSequenceTokens = maxSequenceTokens
  }

  /// Prompt tokens a second of one worker.
  var tokensPerSecondOfWorker: Double { tokensPerSecond / Double(workerCount) }
}
