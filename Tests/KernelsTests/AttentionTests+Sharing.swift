import Kernels
import MeshTypes
import TestSupport
import Testing

extension AttentionTests {
  /// Sequences that begin with the same blocks attend to these together once their rows are single.
  @Test(arguments: KVType.allCases)
  func sharedBlocksDoNotChangeABit(_ type: KVType) throws {
    for seed: UInt64 in 0..<8 {
      var random = SeededGenerator(seed: seed)
      var shape = Shape(type, &random)
      shape.layout.headDimension = 16 * Int.random(in: 1...2, using: &random)
      shape.layout.blockSizeTokens = 16 * Int.random(in: 2...3, using: &random)
      // With seed 6 it hides some of what is shared.
      shape.window = seed >= 6 ? 700 : nil
      let block = shape.layout.blockSizeTokens
      let shared = [1024, 1100, 1300, 200][Int(seed % 4)] / block * block
      let sequences = Self.sharing(shared, Int.random(in: 2...6, using: &random), shape, &random)
      var reference: [[UInt32]]?
      for (index, instructionSet) in KernelEngine.InstructionSet.available.enumerated() {
        let engine = try KernelEngine(threadCount: 1 + index % 3, instructionSet: instructionSet)
        let memory = try KVMemory(layout: shape.layout, blockCount: Self.blockCount, engine: engine)
        Self.scribble(memory, &random)
        var prefix = sequences[0]
        prefix.length = shared
        _ = try Self.attend([prefix], shape, engine: engine, memory: memory, chunks: &random)
        // One row of each at a time, and then chunks of some beside single rows of others.
        let together = try [shared, .max].map { firstSingleRow in
          try Self.attend(
            sequences,
            shape,
            engine: engine,
            memory: memory,
            chunks: &random,
            from: shared,
            singleRowsFrom: firstSingleRow
          ).map { $0.map(\.bitPattern) }
        }
        let alone = try sequences.flatMap { sequence in
          try Self.attend(
            [sequence],
            shape,
            engine: engine,
            memory: memory,
            chunks: &random,
            from: shared
          )
        }
        let bits = alone.map { $0.map(\.bitPattern) }
        #expect(together == [bits, bits], "seed \(seed), \(instructionSet)")
        #expect(bits == reference ?? bits, "seed \(seed), \(instructionSet)")
        reference = bits
      }
    }
  }

  /// Sequences whose first positions are the same, in the same blocks.
  private static func sharing(
    _ shared: Int,
    _ count: Int,
    _ shape: Shape,
    _ random: inout SeededGenerator
  ) -> [Sequence] {
    var blocks = (0..<UInt32(blockCount)).map { BlockID($0) }.shuffled(using: &random)
    let block = shape.layout.blockSizeTokens
    let queries = random.floats(shared * shape.queryWidth)
    let keys = random.floats(shared * shape.kvWidth)
    let values = random.floats(shared * shape.kvWidth)
    let prefix = Array(blocks.suffix(shared / block))
    blocks.removeLast(prefix.count)
    return (0..<count).map { _ in
      let own = Int.random(in: 1...2 * block, using: &random)
      let table = prefix + blocks.suffix((own - 1) / block + 1)
      blocks.removeLast((own - 1) / block + 1)
      return Sequence(
        length: shared + own,
        queries: queries + random.floats(own * shape.queryWidth),
        keys: keys + random.floats(own * shape.kvWidth),
        values: values + random.floats(own * shape.kvWidth),
        blockTable: table
      )
    }
  }
}
