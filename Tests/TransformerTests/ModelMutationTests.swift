import MeshTypes
import ModelFiles
import TestSupport
import Testing
import Transformer

@Suite struct ModelMutationTests {
  /// A damaged model either is refused with a typed error or computes something; it never crashes.
  @Test func damagedModelsLoadOrThrow() throws {
    let seed: UInt64 = 9
    var random = SeededGenerator(seed: seed)
    let model = SyntheticModel(types: [.q4_1, .q8_0, .q6_K]).encoded
    var loadedCount = 0, refusedCount = 0
    for round in 0..<400 {
      var bytes = model
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        // The header takes the first 2 KB; half of the damage goes there.
        let range = Bool.random(using: &random) ? 0..<2048 : bytes.indices
        bytes[range.randomElement(using: &random)!] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      }
      do {
        try Self.run(bytes)
        loadedCount += 1
      } catch is MeshError {
        refusedCount += 1
      } catch {
        Issue.record("round \(round), seed \(seed): \(error)")
      }
    }
    #expect(loadedCount > 0)
    #expect(refusedCount > 0)
  }

  private static func run(_ bytes: [UInt8]) throws {
    try withTemporaryFile(bytes) { path in
      let runner = try ModelRunner(
        file: try GGUFFile(path: path),
        settings: RunnerSettings(blockCount: 4, maxBatchTokens: 8, threadCount: 2)
      )
      let logits = try runner.step([
        SequenceSlice(tokenIDs: [1, 2, 3], startPosition: 0, blockTable: [BlockID(0)])
      ])
      var sampler = Sampler()
      for parameters in [SamplingParameters(), SamplingParameters(temperature: 1, topP: 0.9)] {
        let token = logits.withRow(0) { sampler.sample($0, parameters, position: 3) }
        #expect(token.id < runner.configuration.vocabularySize)
      }
    }
  }
}
