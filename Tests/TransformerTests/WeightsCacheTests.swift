import Foundation
import MeshTypes
import ModelFiles
import TestSupport
import Testing
import Transformer

@Suite("Packed weights are kept")
struct WeightsCacheTests {
  /// A model file and a folder for its packed weights.
  private struct Place {
    let folder: String
    let model: String
    var cache: String { "\(folder)/cache" }

    func runner(
      limit: Int? = nil,
      cached: Bool = true,
      progress: ((LoadingProgress) -> Void)? = nil
    ) throws -> ModelRunner {
      try ModelRunner(
        file: try GGUFFile(path: model),
        settings: RunnerSettings(blockCount: 16, maxBatchTokens: 64, threadCount: 2),
        weightsSettings: WeightsSettings(
          cacheFolder: cached ? cache : nil,
          memoryByteLimit: limit
        ),
        progress: progress
      )
    }

    /// The one file in the cache.
    func file() throws -> String {
      let names = try FileManager.default.contentsOfDirectory(atPath: cache)
      return "\(cache)/\(try #require(names.count == 1 ? names[0] : nil, "\(names)"))"
    }

    func change(_ change: (inout [UInt8]) -> Void) throws {
      let path = try file()
      var bytes = Array(try Data(contentsOf: URL(filePath: path)))
      change(&bytes)
      try Data(bytes).write(to: URL(filePath: path), options: .atomic)
    }
  }

  private static let types: [TensorType] = [.q4_1, .q8_0, .f16, .q6_K, .f32, .q4_0, .bf16]

  private func withModel(
    _ model: SyntheticModel = SyntheticModel(types: types),
    _ body: (Place) throws -> Void
  ) throws {
    try withEmptyFolder { folder in
      let path = "\(folder)/model.gguf"
      try Data(model.encoded).write(to: URL(filePath: path))
      try body(Place(folder: folder, model: path))
    }
  }

  private func logits(_ runner: ModelRunner) throws -> [UInt32] {
    let tokens: [TokenID] = [7, 1, 200, 33, 4]
    let slice = SequenceSlice(
      tokenIDs: tokens,
      startPosition: 0,
      blockTable: [BlockID(0)],
      logits: .allTokens
    )
    let logits = try runner.step([slice])
    return (0..<logits.rowCount).flatMap { logits.bits(row: $0) }
  }

  @Test("and mapped the next time: the same logits, the same digest")
  func mapped() throws {
    try withModel { place in
      let packed = try place.runner(cached: false)
      #expect(packed.weightsOrigin == .packed(because: nil))
      #expect(packed.knownDigest == nil)
      let first = try place.runner()
      #expect(first.weightsOrigin == .packedIntoCache)
      let second = try place.runner()
      #expect(second.weightsOrigin == .cache)
      let expected = try logits(packed)
      #expect(try logits(first) == expected)
      #expect(try logits(second) == expected)
      #expect(second.weightsByteCount == packed.weightsByteCount)
      #expect(second.knownDigest == (try GGUFFile(path: place.model).digest()))
    }
  }

  @Test("by the model's path, and packed anew when the file there is another one")
  func changed() throws {
    try withModel { place in
      _ = try place.runner()
      let other = SyntheticModel(types: Self.types, seed: 2)
      try Data(other.encoded).write(to: URL(filePath: place.model), options: .atomic)
      let runner = try place.runner()
      #expect(runner.weightsOrigin == .packedIntoCache)
      #expect(try logits(runner) == logits(try place.runner(cached: false)))
      #expect(runner.knownDigest == (try GGUFFile(path: place.model).digest()))
      _ = try place.file()
    }
  }

  @Test("and packed anew when any byte of theirs has changed")
  func damaged() throws {
    try withModel { place in
      let expected = try logits(try place.runner())
      let seed: UInt64 = 5
      var random = SeededGenerator(seed: seed)
      for run in 0..<20 {
        var offset = 0
        try place.change { bytes in
          // Beyond the first page, of which all but the first bytes is padding.
          offset = Int.random(in: 4096..<bytes.count, using: &random)
          bytes[offset] ^= UInt8.random(in: 1...255, using: &random)
        }
        let runner = try place.runner()
        #expect(runner.weightsOrigin == .packedIntoCache, "seed \(seed), run \(run), at \(offset)")
        #expect(try logits(runner) == expected, "seed \(seed), run \(run), at \(offset)")
      }
    }
  }

  @Test("or cut off, or emptied, or of another arrangement")
  func otherDamage() throws {
    try withModel { place in
      let expected = try logits(try place.runner())
      let changes: [(inout [UInt8]) -> Void] = [
        { $0.removeLast(1) }, { $0.removeLast($0.count - 5000) }, { $0.removeLast($0.count - 5) },
        { $0 = [] }, { $0[8] = 2 },
      ]
      for (index, change) in changes.enumerated() {
        try place.change(change)
        let runner = try place.runner()
        #expect(runner.weightsOrigin == .packedIntoCache, "change \(index)")
        #expect(try logits(runner) == expected, "change \(index)")
      }
    }
  }

  @Test("nowhere if the folder cannot be written: they are packed into memory, and it is said why")
  func unwritable() throws {
    try withModel { place in
      try Data().write(to: URL(filePath: place.cache))
      let runner = try place.runner()
      guard case .packed(let failure?) = runner.weightsOrigin else {
        Issue.record("\(runner.weightsOrigin)")
        return
      }
      #expect(failure.code == .failedPrecondition)
      #expect(try logits(runner) == logits(try place.runner(cached: false)))
      // Layers cannot be read from nowhere.
      #expect(throws: failure) { _ = try place.runner(limit: 600 << 10) }
    }
  }

  @Test("and layers beyond the memory limit are read in every step: the same logits")
  func streamed() throws {
    try withModel(SyntheticModel(types: Self.types, layerCount: 5)) { place in
      let whole = try place.runner()
      let expected = try logits(whole)
      let file = try PackedWeightsFile(path: try place.file())
      let sizes = file.header.sections.map(\.byteCount)
      let least = sizes[0] + 2 * (sizes.dropFirst().max() ?? 0)
      var counts: Set<Int> = []
      for limit in stride(from: least, to: sizes.reduce(0, +), by: 32 << 10) {
        let runner = try place.runner(limit: limit)
        counts.insert(runner.residentLayerCount)
        for _ in 0..<3 { #expect(try logits(runner) == expected, "limit \(limit)") }
        let resident = runner.residentLayerCount
        #expect(least + sizes[1..<1 + resident].reduce(0, +) <= limit, "limit \(limit)")
      }
      #expect(counts.isSuperset(of: [0, 1, 2]), "\(counts)")
      #expect(try place.runner(limit: sizes.reduce(0, +)).residentLayerCount == 5)
      let error = #expect(throws: MeshError.self) { _ = try place.runner(limit: least - 1) }
      #expect(error?.code == .invalidArgument)
      #expect(error?.field == "weights-memory-mib")
    }
  }

  @Test("and a streamed layer that has changed on disk fails its step, not the ones before it")
  func streamedDamage() throws {
    try withModel(SyntheticModel(types: Self.types, layerCount: 5)) { place in
      _ = try place.runner()
      let header = try PackedWeightsFile(path: try place.file()).header
      try place.change { $0[header.sections[5].byteOffset] ^= 1 }
      let sizes = header.sections.map(\.byteCount)
      // Nobody looks at streamed layers before the first step.
      let runner = try place.runner(limit: sizes.reduce(0, +) - 1)
      #expect(runner.weightsOrigin == .cache)
      for _ in 0..<3 {
        let error = #expect(throws: MeshError.self) { _ = try logits(runner) }
        #expect(error?.code == .corrupted)
      }
    }
  }

  @Test("and say how far reading them has come")
  func progress() throws {
    try withModel { place in
      for origin in [WeightsOrigin.packedIntoCache, .cache] {
        var reports: [LoadingProgress] = []
        let runner = try place.runner { reports.append($0) }
        #expect(runner.weightsOrigin == origin)
        let loaded = reports.map(\.loadedByteCount)
        #expect(loaded == loaded.sorted())
        #expect(loaded.last == reports.last?.totalByteCount)
      }
    }
  }

  @Test("only where a folder is known if memory is limited")
  func limitWithoutCache() throws {
    try withModel { place in
      let error = #expect(throws: MeshError.self) {
        _ = try place.runner(limit: 1 << 30, cached: false)
      }
      #expect(error?.field == "weights-memory-mib")
    }
  }
}
