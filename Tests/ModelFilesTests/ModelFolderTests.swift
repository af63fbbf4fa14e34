import Foundation
import MeshTypes
import ModelFiles
import Testing

@Suite("Hugging Face folders")
struct ModelFolderTests {
  private struct Expected: Decodable {
    /// The slowest-varying size first.
    var shape: [Int]
    /// As llama.cpp's converter would write them.
    var numbers: [Float]
  }

  @Test(
    "Tensors have the names, sizes and numbers of GGUF files",
    arguments: ["llama3", "qwen2", "qwen3", "gemma3", "phi3"]
  )
  func tensors(_ name: String) throws {
    let path = Fixture.path("folders/\(name)")
    let expected = try JSONDecoder().decode(
      [String: Expected].self,
      from: Data(contentsOf: URL(filePath: "\(path)/expected.json"))
    )
    let model = try openModel(at: path)
    #expect(model.tensors.map(\.name) == expected.keys.sorted())
    for (name, wanted) in expected {
      let tensor = try model.tensor(named: name)
      #expect(model.hasTensor(named: name))
      #expect(tensor.dimensions == wanted.shape.reversed(), "\(name)")
      let found = model.withBytes(of: tensor) { bytes in
        #expect(bytes.count == tensor.byteCount)
        #expect(UInt(bitPattern: bytes.baseAddress).isMultiple(of: 8))
        return numbers(in: bytes, tensor.type)
      }
      #expect(found == wanted.numbers, "\(name)")
    }
  }

  private func numbers(in bytes: UnsafeRawBufferPointer, _ type: TensorType) -> [Float] {
    switch type {
    case .f16:
      bytes.bindMemory(to: UInt16.self).map { Float(Float16(bitPattern: $0)) }
    case .bf16:
      bytes.bindMemory(to: UInt16.self).map { Float(bitPattern: UInt32($0) << 16) }
    default: Array(bytes.bindMemory(to: Float.self))
    }
  }

  @Test("Vectors that GGUF files have in F32 keep the folder's type unless they change")
  func types() throws {
    let gemma = try ModelFolder(path: Fixture.path("folders/gemma3"))
    #expect(try gemma.tensor(named: "blk.0.attn_q.weight").type == .bf16)
    #expect(try gemma.tensor(named: "blk.0.attn_norm.weight").type == .f32)
    let qwen = try ModelFolder(path: Fixture.path("folders/qwen2"))
    #expect(try qwen.tensor(named: "blk.0.attn_norm.weight").type == .f16)
    let tensor = try qwen.tensor(named: "blk.1.attn_q.bias")
    #expect(qwen.sourceName(of: tensor) == "model.layers.1.self_attn.q_proj.bias")
  }

  @Test("The digest follows from the weights, the shards' names and config.json")
  func digest() throws {
    let path = Fixture.path("folders/llama3")
    let original = try ModelFolder(path: path).digest()
    #expect(original.count == 32)
    #expect(try ModelFolder(path: path).digest() == original)
    try changed("model-00002-of-00002.safetensors") {
      $0[$0.count - 1] ^= 1
    } check: { folder in
      let digest = try ModelFolder(path: folder).digest()
      #expect(digest != original)
    }
    try changed("config.json") {
      $0 = Array(String(decoding: $0, as: UTF8.self).replacing("1e-06", with: "1e-05").utf8)
    } check: { folder in
      let digest = try ModelFolder(path: folder).digest()
      #expect(digest != original)
    }
  }

  @Test("Missing files")
  func missing() throws {
    expect(.notFound, "/absent/config.json") { _ = try ModelFolder(path: "/absent") }
    try withTemporaryFolder(copying: Fixture.path("folders/llama3")) { folder in
      let shard = "\(folder)/model-00002-of-00002.safetensors"
      try FileManager.default.removeItem(atPath: shard)
      expect(.notFound, shard) { _ = try ModelFolder(path: folder) }
    }
    try withTemporaryFolder(copying: Fixture.path("folders/qwen2")) { folder in
      let weights = "\(folder)/model.safetensors"
      try FileManager.default.removeItem(atPath: weights)
      expect(.notFound, weights) { _ = try ModelFolder(path: folder) }
    }
  }

  @Test("An index that leads out of the folder, or to another shard")
  func index() throws {
    let index = "model.safetensors.index.json"
    for name in ["../x.safetensors", "/x.safetensors", "a/b.safetensors", ".safetensors", "x.bin"] {
      try changed(index) {
        $0 = Array(#"{"weight_map":{"lm_head.weight":"\#(name)"}}"#.utf8)
      } check: { folder in
        expect(.corrupted, "weight_map.lm_head.weight") { _ = try ModelFolder(path: folder) }
      }
    }
    try changed(index) {
      let text = String(decoding: $0, as: UTF8.self)
      let first = #""model.norm.weight":"model-0000"#
      let other = text.contains(first + "1") ? ("1", "2") : ("2", "1")
      $0 = Array(text.replacing(first + other.0, with: first + other.1).utf8)
    } check: { folder in
      expect(.corrupted, "model.norm.weight", ["index"]) { _ = try ModelFolder(path: folder) }
    }
  }

  @Test("No output matrix, though the embedding is not it")
  func untied() throws {
    try changed("config.json", in: "qwen2") {
      let text = String(decoding: $0, as: UTF8.self)
      $0 = Array(text.replacing("\"tie_word_embeddings\":true", with: "\"x\":1").utf8)
    } check: { folder in
      expect(.notFound, "lm_head.weight") { _ = try ModelFolder(path: folder) }
    }
  }

  @Test("Heads that do not divide the rows of the queries")
  func rows() throws {
    try changed("config.json") {
      let text = String(decoding: $0, as: UTF8.self)
      $0 = Array(
        text.replacing("\"num_attention_heads\":2", with: "\"num_attention_heads\":3").utf8
      )
    } check: { folder in
      #expect(throws: MeshError.self) { try ModelFolder(path: folder) }
    }
  }

  @Test("A weight of a type without kernels")
  func type() throws {
    try changed("model.safetensors", in: "qwen2") {
      let range = $0.firstRange(of: Array("\"F16\"".utf8))!
      $0.replaceSubrange(range, with: Array("\"I16\"".utf8))
    } check: { folder in
      let error = #expect(throws: MeshError.self) { try ModelFolder(path: folder) }
      #expect(error?.code == .unimplemented)
      #expect(error?.message.contains("F32, F16 or BF16") == true)
    }
  }

  private func changed(
    _ name: String,
    in folder: String = "llama3",
    _ change: (inout [UInt8]) -> Void,
    check: (String) throws -> Void
  ) throws {
    try withTemporaryFolder(copying: Fixture.path("folders/\(folder)")) { folder in
      let url = URL(filePath: "\(folder)/\(name)")
      let before = Array(try Data(contentsOf: url))
      var file = before
      change(&file)
      try #require(file != before)
      try Data(file).write(to: url)
      try check(folder)
    }
  }
}
