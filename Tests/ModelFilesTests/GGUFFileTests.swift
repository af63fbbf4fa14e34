import Foundation
import MeshTypes
import ModelFiles
import TestSupport
import Testing

@Suite("File")
struct GGUFFileTests {
  @Test("gives the bytes of each tensor")
  func bytes() throws {
    var writer = GGUFWriter()
    writer.add(tensor: "first", dimensions: [3], floats: [1, 2, 3])
    writer.add(tensor: "second", type: .q8_0, dimensions: [32], bytes: Array(0..<34))
    try withTemporaryFile(writer.encoded()) { path in
      let file = try GGUFFile(path: path)
      #expect(file.version == 3)
      let first = file.withBytes(of: try file.tensor(named: "first")) { bytes in
        Array(bytes.bindMemory(to: Float.self))
      }
      #expect(first == [1, 2, 3])
      let second = file.withBytes(of: try file.tensor(named: "second")) { Array($0) }
      #expect(second == Array(0..<34))
      #expect(file.withContents { Array($0) } == writer.encoded())
      #expect(file.hasTensor(named: "first"))
    }
  }

  @Test("has the SHA-256 of its contents as digest")
  func digest() throws {
    try withTemporaryFile(GGUFWriter().encoded()) { path in
      let digest = try GGUFFile(path: path).digest()
      // printf 'GGUF\3\0\0\0' and 24 zero bytes, through sha256sum.
      #expect(
        digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
          == "a3718c7940c34ff91a906d0758debb656aed43d1aa8b23b99f67cb106cdbc881"
      )
    }
  }

  @Test("names a tensor that is not there")
  func missingTensor() throws {
    try withTemporaryFile(GGUFWriter().encoded()) { path in
      let file = try GGUFFile(path: path)
      #expect(!file.hasTensor(named: "output.weight"))
      expect(.notFound, "output.weight") { _ = try file.tensor(named: "output.weight") }
    }
  }

  @Test("passes on what the body throws")
  func passesErrorsOn() throws {
    try withTemporaryFile(GGUFWriter().encoded()) { path in
      let file = try GGUFFile(path: path)
      #expect(throws: CancellationError.self) {
        try file.withContents { _ in throw CancellationError() }
      }
    }
  }

  @Test("refuses what is missing, empty, or no regular file")
  func refuses() throws {
    expect(.notFound, "/absent/model.gguf") { _ = try GGUFFile(path: "/absent/model.gguf") }
    expect(.failedPrecondition, "/dev/zero") { _ = try GGUFFile(path: "/dev/zero") }
    expect(.failedPrecondition, "/") { _ = try GGUFFile(path: "/") }
    try withTemporaryFile([]) { path in
      expect(.corrupted, path, ["empty"]) { _ = try GGUFFile(path: path) }
      try FileManager.default.removeItem(atPath: path)
      #expect(mkfifo(path, 0o600) == 0)
      expect(.failedPrecondition, path, ["regular"]) { _ = try GGUFFile(path: path) }
    }
  }

  @Test("unmaps the file when it goes")
  func unmaps() throws {
    try withTemporaryFile(GGUFWriter().encoded()) { path in
      func isMapped() throws -> Bool {
        let maps = try FileHandle(forReadingFrom: URL(filePath: "/proc/self/maps")).readToEnd()
        return String(decoding: maps ?? Data(), as: UTF8.self).contains(path)
      }
      do {
        let file = try GGUFFile(path: path)
        #expect(try isMapped())
        withExtendedLifetime(file) {}
      }
      #expect(try !isMapped())
    }
  }
}

@Suite("The default model's file")
struct DefaultModelFileTests {
  private let file: GGUFFile

  init() throws { file = try GGUFFile(path: DefaultModel.path) }

  @Test("has the llama hyperparameters")
  func hyperparameters() throws {
    let metadata = file.metadata
    #expect(file.version == 3)
    #expect(try metadata.string("general.architecture") == "llama")
    #expect(try metadata.integer("llama.block_count") == 30)
    #expect(try metadata.integer("llama.embedding_length") == 576)
    #expect(try metadata.integer("llama.feed_forward_length") == 1536)
    #expect(try metadata.integer("llama.attention.head_count") == 9)
    #expect(try metadata.integer("llama.attention.head_count_kv") == 3)
    #expect(try metadata.integer("llama.context_length") == 8192)
    #expect(try metadata.float("llama.rope.freq_base") == 100_000)
    #expect(try metadata.float("llama.attention.layer_norm_rms_epsilon") == 1e-5)
  }

  @Test("has the vocabulary")
  func vocabulary() throws {
    let tokens = try file.metadata.strings("tokenizer.ggml.tokens")
    #expect(tokens.count == 49152)
    #expect(tokens.prefix(3) == ["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    #expect(try file.metadata.integers("tokenizer.ggml.token_type", in: 1...6).count == 49152)
    #expect(try file.metadata.strings("tokenizer.ggml.merges").count == 48900)
    #expect(try file.metadata.string("tokenizer.chat_template").contains("<|im_start|>"))
  }

  @Test("has 272 tensors of three types")
  func tensors() throws {
    let count = Dictionary(grouping: file.tensors, by: \.type).mapValues(\.count)
    #expect(count == [.q4_1: 210, .f32: 61, .q8_0: 1])
    #expect(try file.tensor(named: "token_embd.weight").dimensions == [576, 49152])
    #expect(!file.hasTensor(named: "output.weight"))
    for layer in 0..<30 {
      let shapes = [
        "attn_norm": [576], "ffn_norm": [576], "attn_q": [576, 576], "attn_k": [576, 192],
        "attn_v": [576, 192], "attn_output": [576, 576], "ffn_gate": [576, 1536],
        "ffn_up": [576, 1536], "ffn_down": [1536, 576],
      ]
      for (name, shape) in shapes {
        #expect(try file.tensor(named: "blk.\(layer).\(name).weight").dimensions == shape)
      }
    }
  }

  @Test("has plausible norms in the bytes")
  func norm() throws {
    let norm = file.withBytes(of: try file.tensor(named: "output_norm.weight")) { bytes in
      Array(bytes.bindMemory(to: Float.self))
    }
    #expect(norm.count == 576)
    #expect(norm.allSatisfy { $0.isFinite && abs($0) < 100 })
    #expect(norm.contains { $0 != 0 })
  }
}
