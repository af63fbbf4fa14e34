import Kernels
import MeshTypes
import TestSupport
import Transformer

/// Sequences that prefill in chunks and decode side by side, and begin again when their context is
/// full. Takes all of its own memory when it is made.
struct RandomLoad {
  private struct Sequence {
    var tokenIDs: [TokenID]
    var blockTable: [BlockID]
    var computed = 0
    var sampling: SamplingParameters
  }

  private let runner: ModelRunner
  private var sampler: Sampler
  private var random: SeededGenerator
  private var sequences: [Sequence] = []
  private var slices: [SequenceSlice] = []
  /// The sequence of each slice.
  private var owners: [Int] = []
  private(set) var sampledCount = 0

  private static let sequenceCount = 5
  private static let promptRange = 1...80

  init(runner: ModelRunner, seed: UInt64) {
    self.runner = runner
    random = SeededGenerator(seed: seed)
    sampler = Sampler(vocabularySize: runner.configuration.vocabularySize)
    let samplings = [
      SamplingParameters(), SamplingParameters(temperature: 1, seed: seed),
      SamplingParameters(temperature: 0.8, topK: 40, seed: seed),
      SamplingParameters(temperature: 3, topP: 0.95, seed: seed),
      SamplingParameters(temperature: 2, topK: 200, topP: 0.9, minP: 0.01, seed: seed),
    ]
    let blockCount = (runner.configuration.contextLength + 15) / 16
    for index in 0..<Self.sequenceCount {
      // The first block is everybody's.
      let table = (0..<blockCount).map { BlockID(UInt32($0 == 0 ? 0 : 1 + $0 + index % 4 * 12)) }
      var tokenIDs: [TokenID] = []
      tokenIDs.reserveCapacity(runner.configuration.contextLength + 1)
      sequences.append(
        Sequence(tokenIDs: tokenIDs, blockTable: table, sampling: samplings[index])
      )
      begin(index)
    }
    slices.reserveCapacity(Self.sequenceCount)
    owners.reserveCapacity(Self.sequenceCount)
  }

  /// Gives a sequence a new prompt.
  private mutating func begin(_ index: Int) {
    sequences[index].computed = 0
    sequences[index].tokenIDs.removeAll(keepingCapacity: true)
    for _ in 0..<Int.random(in: Self.promptRange, using: &random) {
      let limit = TokenID(runner.configuration.vocabularySize)
      sequences[index].tokenIDs.append(TokenID.random(in: 0..<limit, using: &random))
    }
  }

  /// Copies a block, computes a random batch, and samples where a sequence has no further tokens.
  mutating func step() throws(MeshError) {
    runner.kvMemory.blocks.copy(BlockID(0), to: BlockID(63))
    plan()
    guard !slices.isEmpty else { return }
    let logits = try runner.step(slices) { _ in }
    // They hold the sequences' arrays.
    slices.removeAll(keepingCapacity: true)
    var row = 0
    for index in owners where sequences[index].computed == sequences[index].tokenIDs.count {
      let sampling = sequences[index].sampling, position = sequences[index].computed
      let token = logits.withRow(row) { sampler.sample($0, sampling, position: position) }
      row += 1
      sampledCount += 1
      if position < runner.configuration.contextLength {
        sequences[index].tokenIDs.append(token.id)
      } else {
        begin(index)
      }
    }
  }

  private mutating func plan() {
    owners.removeAll(keepingCapacity: true)
    var budget = runner.settings.maxBatchTokens
    for index in 0..<Self.sequenceCount
    where budget > 0 && Int.random(in: 0..<4, using: &random) > 0 {
      let first = sequences[index].computed
      let left = min(sequences[index].tokenIDs.count - first, budget)
      let count = Int.random(in: 1...left, using: &random)
      budget -= count
      sequences[index].computed += count
      owners.append(index)
      slices.append(
        SequenceSlice(
          tokenIDs: sequences[index].tokenIDs[first..<first + count],
          startPosition: first,
          blockTable: sequences[index].blockTable,
          logits: first + count == sequences[index].tokenIDs.count ? .lastToken : .none
        )
      )
    }
  }
}
