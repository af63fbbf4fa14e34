import Foundation
import Kernels
import MeshTypes
import TestSupport
import Testing

@Suite struct AttentionTests {
  /// One sequence's queries, keys and values, and where its blocks are.
  struct Sequence {
    var length: Int
    var queries: [Float]
    var keys: [Float]
    var values: [Float]
    var blockTable: [BlockID]
  }

  struct Shape {
    var queryHeadCount: Int
    var layout: KVMemory.Layout
    var pairs: RotaryPairs
    /// What a token sees; nil: everything before it.
    var window: Int?
    /// What bounds scores; nil: nothing. They are about as large.
    var softCap: Float?

    var queryWidth: Int { queryHeadCount * layout.headDimension }
    var kvWidth: Int { layout.kvHeadCount * layout.headDimension }

    init(_ type: KVType, _ random: inout SeededGenerator) {
      let kvHeadCount = Int.random(in: 1...3, using: &random)
      queryHeadCount = kvHeadCount * Int.random(in: 1...8, using: &random)
      layout = KVMemory.Layout(
        layerCount: 2,
        kvHeadCount: kvHeadCount,
        headDimension: 16
          * Int.random(in: 1...(Bool.random(using: &random) ? 8 : 16), using: &random),
        blockSizeTokens: 16 * Int.random(in: 1...3, using: &random),
        type: type
      )
      pairs = Bool.random(using: &random) ? .neighbours : .halves
      window = Bool.random(using: &random) ? Int.random(in: 1...150, using: &random) : nil
      softCap = Bool.random(using: &random) ? Float.random(in: 0.3...5, using: &random) : nil
    }
  }

  static let blockCount = 64

  private static func sequences(
    _ count: Int,
    _ shape: Shape,
    _ random: inout SeededGenerator,
    length: Int? = nil
  ) -> [Sequence] {
    var blocks = (0..<UInt32(blockCount)).map { BlockID($0) }.shuffled(using: &random)
    return (0..<count).map { _ in
      let length =
        length ?? Int.random(in: 1...(Bool.random(using: &random) ? 70 : 250), using: &random)
      let tableCount = (length - 1) / shape.layout.blockSizeTokens + 1
      defer { blocks.removeLast(tableCount) }
      return Sequence(
        length: length,
        queries: random.floats(length * shape.queryWidth),
        keys: random.floats(length * shape.kvWidth),
        values: random.floats(length * shape.kvWidth),
        blockTable: blocks.suffix(tableCount)
      )
    }
  }

  /// Fills the memory with random finite numbers, or levels and finite scales: what sequences before
  /// left there.
  static func scribble(_ memory: KVMemory, _ random: inout SeededGenerator) {
    for block in 0..<UInt32(blockCount) {
      memory.withBlock(BlockID(block)) { bytes in
        for index in 0..<bytes.count / 2 {
          let half = Float16(Float.random(in: -9...9, using: &random))
          bytes.storeBytes(of: half.bitPattern, toByteOffset: 2 * index, as: UInt16.self)
        }
      }
    }
  }

  /// Computes the sequences' attention in random chunks; the results are in `sequences`' order.
  static func attend(
    _ sequences: [Sequence],
    _ shape: Shape,
    engine: KernelEngine,
    memory: KVMemory,
    chunks random: inout SeededGenerator,
    from firstPosition: Int = 0,
    singleRowsFrom firstSingleRow: Int = .max
  ) throws -> [[Float]] {
    let capacity = sequences.reduce(0) { $0 + $1.length }
    let layer = 1
    let queries = try FloatRows(rowCapacity: capacity, width: shape.queryWidth)
    let keys = try FloatRows(rowCapacity: capacity, width: shape.kvWidth)
    let values = try FloatRows(rowCapacity: capacity, width: shape.kvWidth)
    let output = try ActivationRows(
      rowCapacity: capacity,
      width: shape.queryWidth,
      isQuantized: false
    )
    let angles = try RotaryAngles(frequencies: [0.3, 0.01], rowCapacity: capacity)
    var done = sequences.map { _ in firstPosition }
    var results = sequences.map { _ in [Float]() }
    while let longest = zip(sequences, done).map({ $0.length - $1 }).max(), longest > 0 {
      var rows = PagedRows(blockSizeTokens: shape.layout.blockSizeTokens)
      var chunks: [(index: Int, count: Int)] = []
      var chosen: (queries: [Float], keys: [Float], values: [Float]) = ([], [], [])
      for index in sequences.indices.shuffled(using: &random)
      where done[index] < sequences[index].length {
        let sequence = sequences[index]
        let end = min(sequence.length, max(firstSingleRow, done[index] + 1))
        let count = Int.random(in: 1...end - done[index], using: &random)
        rows.append(rowCount: count, firstPosition: done[index], blockTable: sequence.blockTable)
        let range = done[index]..<done[index] + count
        chosen.queries += sequence.queries[range.scaled(by: shape.queryWidth)]
        chosen.keys += sequence.keys[range.scaled(by: shape.kvWidth)]
        chosen.values += sequence.values[range.scaled(by: shape.kvWidth)]
        chunks.append((index, count))
      }
      rows.groupSharedBlocks()
      queries.fill(chosen.queries)
      keys.fill(chosen.keys)
      values.fill(chosen.values)
      engine.computeAngles(angles, positions: rows.positions)
      engine.rotateAndStore(
        queries: queries,
        keys: keys,
        values: values,
        angles: angles,
        pairs: shape.pairs,
        rows: rows,
        layer: layer,
        in: memory
      )
      engine.attend(
        queries: queries,
        rows: rows,
        layer: layer,
        softCap: shape.softCap,
        window: shape.window,
        in: memory,
        into: output
      )
      var computed = output.rows.values(rowCount: rows.rowCount)[...]
      for (index, count) in chunks {
        results[index] += computed.prefix(count * shape.queryWidth)
        computed = computed.dropFirst(count * shape.queryWidth)
        done[index] += count
      }
    }
    return results
  }

  /// Beyond 1024 positions there are several ranges, which threads share out when single rows attend.
  @Test(arguments: KVType.allCases)
  func longSequencesDoNotDependOnWhoTakesWhichRange(_ type: KVType) throws {
    for seed: UInt64 in 0..<4 {
      var random = SeededGenerator(seed: seed)
      var shape = Shape(type, &random)
      shape.layout.headDimension = 16
      shape.layout.blockSizeTokens = 64
      shape.window = seed % 2 == 0 ? nil : Int.random(in: 900...1200, using: &random)
      let sequence = Self.sequences(
        1,
        shape,
        &random,
        length: Int.random(in: 2040...2080, using: &random)
      )
      // The last rows one by one, the others in random chunks.
      let exact = Self.exactAttention(sequence[0], shape, from: 2030)
      var reference: [[UInt32]]?
      for (index, instructionSet) in KernelEngine.InstructionSet.available.enumerated() {
        let engine = try KernelEngine(
          threadCount: 1 + (index + 1) % 3,
          instructionSet: instructionSet
        )
        let memory = try KVMemory(
          layout: shape.layout,
          blockCount: Self.blockCount,
          engine: engine
        )
        Self.scribble(memory, &random)
        let found = try Self.attend(
          sequence,
          shape,
          engine: engine,
          memory: memory,
          chunks: &random,
          singleRowsFrom: index % 2 == 0 ? 2030 : .max
        )
        let bits = found.map { $0.map(\.bitPattern) }
        #expect(bits == reference ?? bits, "seed \(seed), \(instructionSet)")
        reference = bits
        let error = zip(found[0].suffix(exact.count), exact).map { abs(Double($0) - $1) }.max()!
        #expect(error < (type == .f16 ? 4e-3 : 6e-2), "seed \(seed), \(instructionSet)")
      }
    }
  }

  @Test(arguments: KVType.allCases)
  func chunksBatchesThreadsAndKernelSetsDoNotChangeABit(_ type: KVType) throws {
    for seed: UInt64 in 0..<12 {
      var random = SeededGenerator(seed: seed)
      let shape = Shape(type, &random)
      let sequences = Self.sequences(Int.random(in: 1...3, using: &random), shape, &random)
      var reference: [[UInt32]]?
      for (index, instructionSet) in KernelEngine.InstructionSet.available.enumerated() {
        let threadCount = 1 + (index + Int(seed)) % 4
        let engine = try KernelEngine(threadCount: threadCount, instructionSet: instructionSet)
        let memory = try KVMemory(
          layout: shape.layout,
          blockCount: Self.blockCount,
          engine: engine
        )
        Self.scribble(memory, &random)
        let results = try Self.attend(
          sequences,
          shape,
          engine: engine,
          memory: memory,
          chunks: &random
        )
        let bits = results.map { $0.map(\.bitPattern) }
        if let reference {
          #expect(bits == reference, "seed \(seed), \(instructionSet), \(threadCount) threads")
        } else {
          reference = bits
        }
      }
    }
  }

  /// Keys and values are in -4...4, so that a level of 8 bits is off by up to 1/64.
  @Test(arguments: [(KVType.f16, 4e-3), (.q8, 6e-2)])
  func attentionIsCloseToTheExactOne(_ type: KVType, _ tolerance: Double) throws {
    for seed: UInt64 in 100..<110 {
      var random = SeededGenerator(seed: seed)
      let shape = Shape(type, &random)
      let sequences = Self.sequences(2, shape, &random)
      let engine = try KernelEngine(threadCount: 2)
      let memory = try KVMemory(layout: shape.layout, blockCount: Self.blockCount, engine: engine)
      let found = try Self.attend(sequences, shape, engine: engine, memory: memory, chunks: &random)
      for (sequence, found) in zip(sequences, found) {
        let exact = Self.exactAttention(sequence, shape)
        let error = zip(found, exact).map { abs(Double($0) - $1) }.max()!
        #expect(error < tolerance, "seed \(seed)")
      }
    }
  }

  /// Softmax attention in double precision over keys and values as they are, unrounded.
  private static func exactAttention(
    _ sequence: Sequence,
    _ shape: Shape,
    from firstPosition: Int = 0
  ) -> [Double] {
    let dimension = shape.layout.headDimension
    let group = shape.queryHeadCount / shape.layout.kvHeadCount
    func rotated(_ values: [Float], _ offset: Int, _ position: Int) -> [Double] {
      var head = values[offset..<offset + dimension].map { Double($0) }
      for (pair, frequency) in [Float(0.3), 0.01].enumerated() {
        let angle = Double(position) * Double(frequency)
        let (first, second) = shape.pairs == .halves ? (pair, pair + 2) : (2 * pair, 2 * pair + 1)
        let (x, y) = (head[first], head[second])
        head[first] = x * cos(angle) - y * sin(angle)
        head[second] = x * sin(angle) + y * cos(angle)
      }
      return head
    }
    var result: [Double] = []
    for position in firstPosition..<sequence.length {
      for head in 0..<shape.queryHeadCount {
        let query = rotated(
          sequence.queries,
          position * shape.queryWidth + head * dimension,
          position
        )
        let seen = max(0, position + 1 - (shape.window ?? .max))...position
        let kvOffsets = seen.map { $0 * shape.kvWidth + head / group * dimension }
        let scores = zip(seen, kvOffsets).map { other, offset in
          let score =
            zip(query, rotated(sequence.keys, offset, other)).reduce(0) { $0 + $1.0 * $1.1 }
            / Double(dimension).squareRoot()
          return shape.softCap.map { Double($0) * tanh(score / Double($0)) } ?? score
        }
        let weights = scores.map { exp($0 - scores.max()!) }
        let total = weights.reduce(0, +)
        for index in 0..<dimension {
          let sum = zip(weights, kvOffsets).reduce(0.0) {
            $0 + $1.0 * Double(sequence.values[$1.1 + index])
          }
          result.append(sum / total)
        }
      }
    }
    return result
  }

  @Test("a block's bytes follow from its layout, and its text tells layouts apart")
  func layouts() {
    var layout = KVMemory.Layout(
      layerCount: 30,
      kvHeadCount: 3,
      headDimension: 80,
      blockSizeTokens: 16
    )
    #expect(layout.blockByteCount == 30 * 2 * 3 * 80 * 16 * 2)
    // Keys of stored blocks are made of this text.
    let text = "layerCount: 30, kvHeadCount: 3, headDimension: 80, blockSizeTokens: 16"
    #expect("\(layout)" == "Layout(\(text))")
    layout.type = .q8
    // Three groups, the last of 16 dimensions.
    #expect(layout.blockByteCount == 30 * 2 * 3 * (80 + 3 * 2) * 16)
    #expect("\(layout)" == "Layout(\(text), type: q8)")
  }

  @Test func layoutsThatKernelsCannotTakeAreRefused() throws {
    let engine = try KernelEngine(threadCount: 1)
    let good = KVMemory.Layout(
      layerCount: 1,
      kvHeadCount: 1,
      headDimension: 16,
      blockSizeTokens: 16
    )
    var layouts = [good, good, good, good, good]
    layouts[0].headDimension = 24
    layouts[1].headDimension = 272
    layouts[2].blockSizeTokens = 8
    layouts[3].layerCount = 0
    layouts[4].kvHeadCount = 5000
    for layout in layouts {
      #expect(throws: MeshError.self) {
        _ = try KVMemory(layout: layout, blockCount: 1, engine: engine)
      }
    }
    for blockCount in [0, -1, .max] {
      let error = #expect(throws: MeshError.self) {
        _ = try KVMemory(layout: good, blockCount: blockCount, engine: engine)
      }
      #expect(error?.field == "block_count")
    }
  }
}

extension Range<Int> {
  fileprivate func scaled(by factor: Int) -> Range<Int> {
    lowerBound * factor..<upperBound * factor
  }
}
