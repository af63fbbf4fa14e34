import Scheduling

/// The same requests in the same memory, cut into blocks of different sizes; the largest is a
/// contiguous reservation of the longest sequence for everyone.
package struct BlockComparison: Sendable {
  /// One run.
  package struct Row: Sendable {
    /// Tokens in a block.
    package var blockSizeTokens: Int
    /// What came of it.
    package var report: SimulationReport
  }

  /// By block size.
  package private(set) var rows: [Row] = []

  /// Runs `scenario` once for each block size; its workers keep as many tokens as they had.
  package init(
    _ scenario: SimulationScenario,
    blockSizes: [Int]
  ) throws {
    for blockSize in blockSizes {
      var scenario = scenario
      scenario.workers = scenario.workers.enumerated().map { number, worker in
        .simulated(
          number,
          blockCount: worker.blockCount * worker.blockSizeTokens / blockSize,
          blockSizeTokens: blockSize,
          maxBatchTokens: worker.maxBatchTokens,
          maxBatchSequences: worker.maxBatchSequences,
          maxContextTokens: worker.maxContextTokens,
          relativeSpeed: worker.relativeSpeed
        )
      }
      var simulation = try Simulation(scenario)
      rows.append(Row(blockSizeTokens: blockSize, report: try simulation.run()))
    }
  }
}
