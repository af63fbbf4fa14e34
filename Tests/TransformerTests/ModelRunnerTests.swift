import Foundation
import Kernels
import MeshTypes
import ModelFiles
import TestSupport
import Testing
import Transformer

@Suite struct ModelRunnerTests {
  /// Matrices of all formats that a file may have.
  private static let allTypes: [TensorType] = [
    .q8_0, .q4_1, .f32, .q4_K, .q5_0, .q6_K, .f16, .q4_0, .q5_1, .bf16, .q5_K,
  ]

  private static func tokens(_ count: Int, _ random: inout SeededGenerator) -> [TokenID] {
    (0..<count).map { _ in
      TokenID.random(in: 0..<TokenID(SyntheticModel.vocabularySize), using: &random)
    }
  }

  /// All logits of each sequence, computed alone and whole.
  private static func reference(
    _ sequences: [[TokenID]],
    _ runner: ModelRunner
  ) throws -> [[[UInt32]]] {
    try sequences.map { tokens in
      let logits = try runner.step([
        SequenceSlice(
          tokenIDs: tokens,
          startPosition: 0,
          blockTable: blocks(forTokens: tokens.count),
          logits: .allTokens
        )
      ])
      return (0..<tokens.count).map { logits.bits(row: $0) }
    }
  }

  /// The model with bounds that its scores and logits come near to.
  private static func capped(_ model: SyntheticModel) -> SyntheticModel {
    var model = model
    model.metadata.append(("llama.attn_logit_softcapping", .float(0.5)))
    model.metadata.append(("llama.final_logit_softcapping", .float(1.5)))
    return model
  }

  @Test(arguments: KVType.allCases, [false, true])
  func chunksBatchesThreadsAndKernelSetsDoNotChangeABit(_ type: KVType, _ isCapped: Bool) throws {
    let plain = SyntheticModel(types: Self.allTypes)
    let model = isCapped ? Self.capped(plain) : plain
    for seed: UInt64 in 0..<6 {
      var random = SeededGenerator(seed: seed)
      let sequences = (0..<4).map { _ in
        Self.tokens(Int.random(in: 1...60, using: &random), &random)
      }
      let expected = try Self.reference(
        sequences,
        try model.runner {
          $0.threadCount = 1
          $0.kvType = type
        }
      )
      for threadCount in 1...4 {
        let runner = try model.runner {
          $0.threadCount = threadCount
          $0.instructionSet = seed == 0 && threadCount == 2 ? .portable : .best
          $0.kvType = type
        }
        var done = sequences.map { _ in 0 }
        try Self.expect(
          expected,
          of: sequences,
          in: Self.shuffledTables(sequences, runner, &random),
          after: &done,
          from: runner,
          chunks: &random,
          "seed \(seed)"
        )
      }
    }
  }

  @Test func blocksOfASharedPrefixDoNotChangeABit() throws {
    let model = SyntheticModel(types: Self.allTypes)
    for seed: UInt64 in 10..<16 {
      var random = SeededGenerator(seed: seed)
      let prefixBlocks = Int.random(in: 1...3, using: &random)
      let prefix = Self.tokens(16 * prefixBlocks, &random)
      let sequences = (0..<4).map { _ in
        prefix + Self.tokens(Int.random(in: 1...40, using: &random), &random)
      }
      let expected = try Self.reference(sequences, try model.runner { $0.threadCount = 1 })
      for threadCount in 1...4 {
        let runner = try model.runner { $0.threadCount = threadCount }
        var tables = Self.shuffledTables(sequences, runner, &random)
        // The first one computes the prefix; the others take some or all of its blocks over.
        var done = [0]
        try Self.expect(
          [expected[0]],
          of: [prefix],
          in: [tables[0]],
          after: &done,
          from: runner,
          chunks: &random,
          "prefix, seed \(seed)"
        )
        for index in 1..<sequences.count {
          let hits = Int.random(in: 0...prefixBlocks, using: &random)
          tables[index].replaceSubrange(..<hits, with: tables[0][..<hits])
          done.append(16 * hits)
        }
        try Self.expect(
          expected,
          of: sequences,
          in: tables,
          after: &done,
          from: runner,
          chunks: &random,
          "hits, seed \(seed)"
        )
      }
    }
  }

  /// Blocks for each sequence, in random places.
  private static func shuffledTables(
    _ sequences: [[TokenID]],
    _ runner: ModelRunner,
    _ random: inout SeededGenerator
  ) -> [[BlockID]] {
    var free = (0..<UInt32(runner.settings.blockCount)).map { BlockID($0) }.shuffled(using: &random)
    return sequences.map { tokens in
      defer { free.removeLast((tokens.count + 15) / 16) }
      return Array(free.suffix((tokens.count + 15) / 16))
    }
  }

  /// Computes the sequences in random chunks side by side, from the positions `done` on.
  private static func expect(
    _ expected: [[[UInt32]]],
    of sequences: [[TokenID]],
    in tables: [[BlockID]],
    after done: inout [Int],
    from runner: ModelRunner,
    chunks random: inout SeededGenerator,
    _ comment: String
  ) throws {
    while done != sequences.map(\.count) {
      var slices: [SequenceSlice] = []
      var rows: [(sequence: Int, position: Int)] = []
      var budget = runner.settings.maxBatchTokens
      for index in sequences.indices.shuffled(using: &random) {
        let left = min(sequences[index].count - done[index], budget)
        guard left > 0, Bool.random(using: &random) else { continue }
        let count = Int.random(in: 1...left, using: &random)
        budget -= count
        let range = done[index]..<done[index] + count
        done[index] += count
        slices.append(
          SequenceSlice(
            tokenIDs: Array(sequences[index][range]),
            startPosition: range.lowerBound,
            blockTable: tables[index],
            logits: .allTokens
          )
        )
        rows += range.map { (index, $0) }
      }
      guard !slices.isEmpty else { continue }
      let logits = try runner.step(slices)
      #expect(logits.rowCount == rows.count)
      for (row, place) in rows.enumerated() {
        #expect(
          logits.bits(row: row) == expected[place.sequence][place.position],
          "position \(place.position), \(runner.settings.threadCount) threads, \(comment)"
        )
      }
    }
  }

  @Test func capsBoundScoresAndLogitsAndLargeOnesChangeNextToNothing() throws {
    var random = SeededGenerator(seed: 7)
    let tokens = Self.tokens(40, &random)
    func logits(_ key: String? = nil, _ cap: Float = 0) throws -> [Float] {
      var model = SyntheticModel()
      if let key { model.metadata.append(("llama.\(key)_logit_softcapping", .float(cap))) }
      let bits = try Self.reference([tokens], try model.runner { $0.maxBatchTokens = 40 })[0]
      return bits.joined().map { Float(bitPattern: $0) }
    }
    let free = try logits()
    func difference(_ others: [Float]) -> Float { zip(free, others).map { abs($0 - $1) }.max()! }
    for key in ["attn", "final"] {
      #expect(try difference(logits(key, 1e6)) < 1e-4)
      #expect(try difference(logits(key, 0.5)) > 0.1)
    }
    let capped = try logits("final", 0.5)
    #expect(capped.allSatisfy { abs($0) <= 0.5 })
    for (value, capped) in zip(free, capped) {
      #expect(abs(capped - 0.5 * Float(tanh(Double(value) / 0.5))) < 1e-6)
    }
  }

  @Test func logitsComeForTheRowsThatAskForThem() throws {
    let runner = try SyntheticModel().runner()
    var random = SeededGenerator(seed: 3)
    let sequences = (0..<3).map { _ in Self.tokens(5, &random) }
    let expected = try Self.reference(sequences, runner)
    let kinds: [SequenceSlice.Logits] = [.lastToken, .none, .allTokens]
    let logits = try runner.step(
      (0..<3).map { index in
        SequenceSlice(
          tokenIDs: sequences[index],
          startPosition: 0,
          blockTable: [BlockID(UInt32(index))],
          logits: kinds[index]
        )
      }
    )
    #expect(logits.rowCount == 6)
    #expect(logits.bits(row: 0) == expected[0][4])
    #expect((1..<6).map { logits.bits(row: $0) } == expected[2])
  }

  @Test(arguments: KVType.allCases)
  func aBlockSizeDoesNotChangeABit(_ type: KVType) throws {
    var random = SeededGenerator(seed: 4)
    let tokens = Self.tokens(70, &random)
    let expected = try Self.reference([tokens], try SyntheticModel().runner { $0.kvType = type })
    for blockSize in [32, 48, 256] {
      let runner = try SyntheticModel().runner {
        $0.blockSizeTokens = blockSize
        $0.kvType = type
      }
      #expect(try Self.reference([tokens], runner) == expected)
    }
  }

  @Test(arguments: KVType.allCases)
  func movedBlocksGiveTheSameLogits(_ type: KVType) throws {
    let runner = try SyntheticModel().runner { $0.kvType = type }
    var random = SeededGenerator(seed: 5)
    let tokens = Self.tokens(40, &random)
    let expected = try Self.reference([tokens], runner)[0][39]
    // The first two blocks move to blocks 20 and 21, the rest is computed there.
    for block: UInt32 in 0..<2 {
      let bytes = runner.kvMemory.withBlock(BlockID(block)) { Array($0) }
      #expect(bytes.count == runner.kvMemory.layout.blockByteCount)
      runner.kvMemory.withBlock(BlockID(20 + block)) { $0.copyBytes(from: bytes) }
      runner.kvMemory.withBlock(BlockID(block)) {
        _ = $0.initializeMemory(as: UInt8.self, repeating: 0)
      }
    }
    let logits = try runner.step([
      SequenceSlice(
        tokenIDs: Array(tokens[32...]),
        startPosition: 32,
        blockTable: [BlockID(20), BlockID(21), BlockID(9)]
      )
    ])
    #expect(logits.bits(row: 0) == expected)
  }

  /// Whoever changes the rounding of any kernel changes a checksum, and has to change its name.
  @Test(arguments: [
    (
      KVType.f16, "q8x32o128-f32-kvf16-softmax64in1024-v1",
      ["d0748fc932365cf8", "360aebc379a9d477", "80163387bff176ac"]
    ),
    (
      .q8, "q8x32o128-f32-kvq8x32-softmax64in1024-v1",
      ["afa1cdabda063a22", "efd65a900600f99", "18bf40a391d4a19a"]
    ),
  ])
  func theNumericsIDNamesTheseBits(
    _ type: KVType,
    _ name: String,
    _ expected: [String]
  ) throws {
    var model = SyntheticModel(types: Self.allTypes, seed: 42)
    model.metadata.removeAll { $0.key == "llama.context_length" }
    model.metadata.append(("llama.context_length", .integer(1100)))
    let runner = try model.runner {
      $0.kvType = type
      $0.blockCount = 80
    }
    var random = SeededGenerator(seed: 42)
    let logits = try Self.reference([Self.tokens(50, &random)], runner)
    #expect(NumericsID.current(type) == name)
    #expect(Self.checksum(logits.joined().joined()) == expected[0])
    // Where attention has more than one range.
    let tokens = Self.tokens(1100, &random)
    var last: [UInt32] = []
    for start in stride(from: 0, to: tokens.count, by: 96) {
      let slice = SequenceSlice(
        tokenIDs: Array(tokens[start..<min(start + 96, tokens.count)]),
        startPosition: start,
        blockTable: blocks(forTokens: tokens.count)
      )
      last = try runner.step([slice]).bits(row: 0)
    }
    #expect(Self.checksum(last) == expected[1])
    // Where scores and logits are bounded.
    let capped = try Self.reference(
      [Array(tokens[..<50])],
      try Self.capped(model).runner { $0.kvType = type }
    )
    #expect(Self.checksum(capped.joined().joined()) == expected[2])
  }

  /// FNV-1a over 32-bit words.
  private static func checksum(_ words: some Sequence<UInt32>) -> String {
    let sum = words.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
    return String(sum, radix: 16)
  }

  @Test func profilingMeasuresBothSpeedsAndLeavesNoTrace() throws {
    let runner = try SyntheticModel().runner { settings in
      settings.maxSlices = 24
      settings.blockCount = settings.profilingBlockCount
      #expect(settings.blockCount == 24)
    }
    var seconds = [0.5, 0.25][...]
    let profile = try runner.profile { (body) throws(MeshError) in
      try body()
      return seconds.removeFirst()
    }
    #expect(profile.prefillTokensPerSecond == 192)
    #expect(profile.decodeTokensPerSecond == 16)
    // With as many blocks as memory then has room for, it computes what it always does.
    try runner.replaceKVMemory(blockCount: 5)
    #expect(runner.settings.blockCount == 5)
    var random = SeededGenerator(seed: 6)
    let tokens = Self.tokens(80, &random)
    #expect(
      try Self.reference([tokens], runner) == Self.reference([tokens], SyntheticModel().runner())
    )
  }
}
