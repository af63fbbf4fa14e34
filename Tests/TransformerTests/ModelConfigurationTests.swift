import Kernels
import MeshTypes
import ModelFiles
import TestSupport
import Testing
import Transformer

@Suite struct ModelConfigurationTests {
  private func configuration(_ model: SyntheticModel) throws -> ModelConfiguration {
    try withTemporaryFile(model.encoded) { path in
      try ModelConfiguration(file: try GGUFFile(path: path))
    }
  }

  private func expectError(
    _ code: MeshError.Code,
    _ field: String,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ change: (inout SyntheticModel) -> Void
  ) {
    var model = SyntheticModel()
    change(&model)
    let error = #expect(throws: MeshError.self, sourceLocation: sourceLocation) {
      _ = try configuration(model)
    }
    #expect(error?.code == code, "\(field): \(error as Any)", sourceLocation: sourceLocation)
    #expect(error?.field == field, sourceLocation: sourceLocation)
  }

  @Test func theDefaultModelHasItsShape() throws {
    let found = try ModelConfiguration(file: try GGUFFile(path: DefaultModel.path))
    #expect(found.layerCount == 30)
    #expect(found.width == 576)
    #expect(found.feedForwardWidth == 1536)
    #expect(found.queryHeadCount == 9)
    #expect(found.kvHeadCount == 3)
    #expect(found.headDimension == 64)
    #expect(found.rotary.dimension == 64)
    #expect(found.rotary.base == 100_000)
    #expect(found.contextLength == 8192)
    #expect(found.vocabularySize == 49_152)
    #expect(found.kvLayout(blockSizeTokens: 16).blockByteCount == 368_640)
    #expect(found.kvLayout(blockSizeTokens: 16, type: .q8).blockByteCount == 195_840)
  }

  @Test func missingOptionalKeysHaveTheirUsualMeaning() throws {
    var model = SyntheticModel()
    let optional = ["llama.attention.head_count_kv", "llama.rope.freq_base"]
    model.metadata.removeAll { optional.contains($0.key) }
    let found = try configuration(model)
    #expect(found.kvHeadCount == 8)
    #expect(found.headDimension == 32)
    #expect(found.rotary.dimension == 32)
    #expect(found.rotary.base == 10_000)
    #expect(found.rotary.scaling == .none)
  }

  @Test(arguments: [
    "general.architecture", "llama.block_count", "llama.embedding_length",
    "llama.feed_forward_length", "llama.attention.head_count",
    "llama.attention.layer_norm_rms_epsilon", "llama.context_length",
  ])
  func aMissingKeyIsNamed(_ key: String) {
    expectError(.notFound, key) { $0.metadata.removeAll { $0.key == key } }
  }

  @Test(arguments: [
    "llama.block_count", "llama.embedding_length", "llama.feed_forward_length",
    "llama.attention.head_count", "llama.attention.head_count_kv", "llama.context_length",
  ])
  func aSizeOutOfRangeIsNamed(_ key: String) {
    for size: UInt32 in [0, .max] {
      expectError(.corrupted, key) { model in
        model.metadata.removeAll { $0.key == key }
        model.metadata.append((key, .integer(size)))
      }
    }
  }

  @Test func otherArchitecturesAndScalingsAreNamed() {
    expectError(.unimplemented, "general.architecture") {
      $0.metadata[0].value = .string("gemma")
    }
    expectError(.unimplemented, "llama.rope.scaling.type") {
      $0.metadata.append(("llama.rope.scaling.type", .string("longrope")))
    }
    expectError(.notFound, "llama.rope.scaling.original_context_length") {
      $0.metadata.append(("llama.rope.scaling.type", .string("yarn")))
      $0.metadata.append(("llama.rope.scaling.factor", .float(4)))
    }
    expectError(.notFound, "llama.rope.scaling.factor") {
      $0.metadata.append(("llama.rope.scaling.type", .string("linear")))
    }
  }

  private func gemma2(_ more: [(key: String, value: SyntheticModel.Value)] = []) -> SyntheticModel {
    var model = SyntheticModel()
    model.metadata = model.metadata.map { key, value in
      (key: key.replacing("llama.", with: "gemma2."), value: value)
    }
    model.metadata[0].value = .string("gemma2")
    for (key, value) in more {
      model.metadata.removeAll { $0.key == key }
      model.metadata.append((key, value))
    }
    return model
  }

  @Test func gemma2HasTheFamilysCapsAndWindowWhereItsFileDoesNotSay() throws {
    let silent = try configuration(gemma2([("gemma2.context_length", .integer(8192))]))
    #expect(silent.attentionSoftCap == 50)
    #expect(silent.finalSoftCap == 30)
    #expect(silent.slidingWindow == 4096)
    #expect((0..<2).map { silent.hasWindow(layer: $0) } == [true, false])
    #expect(silent.localRotary == silent.rotary)
    let said = try configuration(
      gemma2([
        ("gemma2.attn_logit_softcapping", .float(20)),
        ("gemma2.final_logit_softcapping", .float(9)),
        ("gemma2.attention.sliding_window", .integer(100)),
      ])
    )
    #expect(said.attentionSoftCap == 20)
    #expect(said.finalSoftCap == 9)
    #expect(said.slidingWindow == 100)
    let none = try configuration(
      gemma2([
        ("gemma2.attn_logit_softcapping", .boolean(false)),
        ("gemma2.final_logit_softcapping", .boolean(false)),
      ])
    )
    #expect(none.attentionSoftCap == nil)
    #expect(none.finalSoftCap == nil)
  }

  /// Gemma 2 of 27 billion parameters has heads of 128 values and scales as if they had 144.
  @Test func theLargestModelsOfGemmaScaleByTheWidth() throws {
    let keyLength = (key: "gemma2.attention.key_length", value: SyntheticModel.Value.integer(16))
    let small = try configuration(gemma2([keyLength]))
    #expect(small.attentionScale == 1 / Float(16).squareRoot())
    let large = try configuration(gemma2([keyLength, ("gemma2.block_count", .integer(46))]))
    #expect(large.attentionScale == 1 / Float(256 / 8).squareRoot())
  }

  @Test(arguments: ["llama.attn_logit_softcapping", "llama.final_logit_softcapping"])
  func aCapIsTakenFromAnyFamilyAndOneOutOfRangeIsNamed(_ key: String) throws {
    var model = SyntheticModel()
    let without = try configuration(model)
    #expect(without.attentionSoftCap == nil && without.finalSoftCap == nil)
    model.metadata.append((key, .float(5)))
    let found = try configuration(model)
    #expect((found.attentionSoftCap ?? found.finalSoftCap) == 5)
    for cap: Float in [0, -0.0, -30, .infinity, .nan, 1e30] {
      expectError(.corrupted, key) { $0.metadata.append((key, .float(cap))) }
    }
    expectError(.corrupted, key) { $0.metadata.append((key, .boolean(true))) }
  }

  @Test func aVocabularyOfAnotherSizeThanTheEmbeddingIsNamed() throws {
    func vocabulary(_ count: Int) -> (inout SyntheticModel) -> Void {
      { $0.metadata.append(("tokenizer.ggml.tokens", .strings((0..<count).map { "\($0)" }))) }
    }
    expectError(.corrupted, "tokenizer.ggml.tokens", vocabulary(SyntheticModel.vocabularySize - 1))
    var model = SyntheticModel()
    vocabulary(SyntheticModel.vocabularySize)(&model)
    #expect(try configuration(model).vocabularySize == SyntheticModel.vocabularySize)
  }

  @Test func headsThatDoNotFitAreNamed() {
    func setting(_ key: String, _ value: UInt32) -> (inout SyntheticModel) -> Void {
      return { model in
        model.metadata.removeAll { $0.key == key }
        model.metadata.append((key, .integer(value)))
      }
    }
    expectError(
      .corrupted,
      "llama.attention.head_count_kv",
      setting("llama.attention.head_count_kv", 3)
    )
    expectError(.corrupted, "llama.attention.head_count") { model in
      setting("llama.attention.head_count", 12)(&model)
    }
    expectError(
      .unimplemented,
      "llama.attention.key_length",
      setting("llama.attention.key_length", 40)
    )
    expectError(
      .unimplemented,
      "llama.attention.value_length",
      setting("llama.attention.value_length", 64)
    )
    expectError(
      .corrupted,
      "llama.rope.dimension_count",
      setting("llama.rope.dimension_count", 33)
    )
    expectError(
      .corrupted,
      "llama.rope.dimension_count",
      setting("llama.rope.dimension_count", 34)
    )
  }
}
