import MeshTypes
import ModelFiles
import TestSupport
import Testing
import Transformer

@Suite struct ModelWeightsTests {
  @Test func everyMissingTensorIsNamed() throws {
    let model = SyntheticModel()
    for index in model.tensors.indices {
      var damaged = model
      let name = damaged.tensors.remove(at: index).name
      let error = #expect(throws: MeshError.self) { _ = try damaged.runner() }
      #expect(error?.code == .notFound)
      #expect(error?.field == name)
    }
  }

  @Test func everyTensorOfAnotherShapeIsNamed() throws {
    let model = SyntheticModel()
    for index in model.tensors.indices where model.tensors[index].name != "token_embd.weight" {
      var damaged = model
      damaged.tensors[index].dimensions[0] /= 2
      damaged.tensors[index].bytes.removeLast(damaged.tensors[index].bytes.count / 2)
      let error = #expect(throws: MeshError.self) { _ = try damaged.runner() }
      #expect(error?.code == .corrupted)
      #expect(error?.field == model.tensors[index].name)
      #expect(error?.message.contains("\(model.tensors[index].dimensions)") == true)
    }
  }

  @Test func aTensorThatNobodyAsksForIsNamed() throws {
    for name in ["blk.1.attn_output.bias", "rope_factors_long.weight", "blk.2.attn_q.weight"] {
      var model = SyntheticModel()
      var stray = model.tensors[1]
      stray.name = name
      model.tensors.append(stray)
      let error = #expect(throws: MeshError.self) { _ = try model.runner() }
      #expect(error?.code == .unimplemented)
      #expect(error?.field == name)
    }
  }

  @Test func anEmbeddingWithoutAVocabularyIsNamed() throws {
    var model = SyntheticModel()
    model.tensors[0].dimensions = [SyntheticModel.width]
    model.tensors[0].bytes.removeLast(model.tensors[0].bytes.count - 4 * SyntheticModel.width)
    let error = #expect(throws: MeshError.self) { _ = try model.runner() }
    #expect(error?.field == "token_embd.weight")
  }

  @Test func theOutputMatrixReplacesTheEmbedding() throws {
    var model = SyntheticModel()
    let slice = SequenceSlice(tokenIDs: [3], startPosition: 0, blockTable: [BlockID(0)])
    let tied = try model.runner().step([slice]).values(row: 0)
    var output = model.tensors[0]
    output.name = "output.weight"
    model.tensors.append(output)
    #expect(try model.runner().step([slice]).values(row: 0) == tied)
    for index in stride(from: 0, to: output.bytes.count, by: 4) {
      // The sign of each weight.
      model.tensors[model.tensors.count - 1].bytes[index + 3] ^= 0x80
    }
    #expect(try model.runner().step([slice]).values(row: 0) == tied.map { -$0 })
  }

  @Test func rotaryFactorsAndScaleSlowTheRotationDown() throws {
    let tokens: [TokenID] = [1, 2, 3, 4, 5]
    let slice = SequenceSlice(tokenIDs: tokens, startPosition: 0, blockTable: [BlockID(0)])
    let plain = try SyntheticModel().runner().step([slice]).bits(row: 0)
    var scaled = SyntheticModel()
    scaled.metadata += [
      ("llama.rope.scaling.type", .string("linear")), ("llama.rope.scaling.factor", .float(4)),
    ]
    let scaledLogits = try scaled.runner().step([slice]).bits(row: 0)
    #expect(scaledLogits != plain)
    var factored = SyntheticModel()
    let four = withUnsafeBytes(of: Float(4).bitPattern.littleEndian) { Array($0) }
    factored.tensors.append(
      SyntheticModel.Tensor(
        name: "rope_freqs.weight",
        type: .f32,
        dimensions: [16],
        bytes: (0..<16).flatMap { _ in four }
      )
    )
    #expect(try factored.runner().step([slice]).bits(row: 0) == scaledLogits)
  }

  @Test func progressRisesToTheWhole() throws {
    var reports: [LoadingProgress] = []
    try withTemporaryFile(SyntheticModel().encoded) { path in
      _ = try ModelRunner(
        file: try GGUFFile(path: path),
        settings: RunnerSettings(blockCount: 1, maxBatchTokens: 1, threadCount: 1)
      ) { reports.append($0) }
    }
    let loaded = reports.map(\.loadedByteCount)
    #expect(loaded == loaded.sorted())
    #expect(loaded.last == reports.last?.totalByteCount)
    #expect(reports.map(\.tensor).contains("blk.1.ffn_down.weight"))
  }
}
