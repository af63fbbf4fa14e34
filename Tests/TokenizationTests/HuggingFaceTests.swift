import Foundation
import JSONText
import MeshTypes
import TestSupport
import Testing
import Tokenization

@Suite("tokenizer.json")
struct HuggingFaceTests {
  static let names = [
    "gemma", "gpt2", "llama3", "metaspace", "mistral", "phi3", "qwen2", "smollm", "unigram",
  ]

  private func json(_ name: String) throws -> JSONValue {
    let contents = try Data(
      contentsOf: URL(fileURLWithPath: Fixture.path("tokenizers/\(name).json"))
    )
    return try parse(String(decoding: contents, as: UTF8.self))
  }

  private func parse(_ text: String) throws -> JSONValue {
    try JSONValue(
      parsing: Array(text.utf8),
      subject: "tokenizer.json",
      limits: TokenizerDescription.jsonLimits
    )
  }

  @Test("Encoding and decoding as tokenizers does", arguments: names)
  func agree(_ name: String) throws {
    let oracle = try PiecesOracle.ask("huggingface", Fixture.path("tokenizers/\(name).json"))
    let tokenizer = try Tokenizer(TokenizerDescription(huggingFace: try json(name)))
    let differences = try oracle.differences(from: tokenizer)
    #expect(
      differences.isEmpty,
      "seed \(PiecesOracle.seed)\n\(differences.joined(separator: "\n"))"
    )
  }

  @Test(
    "Another file, that WEFT_TOKENIZER_JSON names",
    .enabled(if: TestEnvironment.variable("WEFT_TOKENIZER_JSON") != nil, "it names none")
  )
  func another() throws {
    let path = try #require(TestEnvironment.variable("WEFT_TOKENIZER_JSON"))
    let contents = try Data(contentsOf: URL(fileURLWithPath: path))
    let oracle = try PiecesOracle.ask("huggingface", path)
    let file = try parse(String(decoding: contents, as: UTF8.self))
    let tokenizer = try Tokenizer(TokenizerDescription(huggingFace: file))
    let differences = try oracle.differences(from: tokenizer)
    #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
  }

  @Test("Changed at random, a file is read or refused by name, never more", arguments: names)
  func changed(_ name: String) throws {
    let seed = UInt64(PiecesOracle.seed) ?? 1
    var generator = SeededGenerator(seed: seed)
    let file = try json(name)
    for round in 0..<300 {
      var changed = file
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        changed = changed.changedSomewhere(using: &generator)
      }
      do {
        let tokenizer = try Tokenizer(TokenizerDescription(huggingFace: changed))
        let ids = tokenizer.encode("the <tool> e\u{301} 日本  ▁x\n", .recognised)
        _ = try tokenizer.decode(ids, skipsSpecialTokens: true)
      } catch {
        #expect(error.field != nil, "seed \(seed), round \(round): \(error)")
      }
    }
  }

  @Test("tokenizer_config.json names the special tokens")
  func configuration() throws {
    let configuration = try parse(
      #"{"eos_token": "<|im_end|>", "pad_token": {"content": "<|endoftext|>"}, "bos_token": null}"#
    )
    let tokenizer = try Tokenizer(
      TokenizerDescription(huggingFace: try json("qwen2"), configuration: configuration)
    )
    #expect(tokenizer.endOfSequence == tokenizer.id(ofToken: "<|im_end|>"))
    #expect(tokenizer.padding == tokenizer.id(ofToken: "<|endoftext|>"))
    #expect(tokenizer.beginOfSequence == nil)
    #expect(!tokenizer.addsBeginOfSequence)
    #expect(tokenizer.endOfGenerationTokenIDs.contains(try #require(tokenizer.endOfSequence)))
  }

  @Test("The template's begin of sequence, unless tokenizer_config.json says no")
  func beginOfSequence() throws {
    let usual = try Tokenizer(TokenizerDescription(huggingFace: try json("mistral")))
    #expect(usual.addsBeginOfSequence)
    #expect(usual.token(of: try #require(usual.beginOfSequence)) == "<s>")
    let without = try Tokenizer(
      TokenizerDescription(
        huggingFace: try json("mistral"),
        configuration: try parse(#"{"add_bos_token": false}"#)
      )
    )
    #expect(!without.addsBeginOfSequence)
  }

  @Test("In a text that goes on, a space at the beginning stays")
  func continuation() throws {
    let tokenizer = try Tokenizer(TokenizerDescription(huggingFace: try json("mistral")))
    let ids = tokenizer.encode("the KV store", .plainText)
    for (continues, text) in [(false, "the KV store"), (true, " the KV store")] {
      var decoder = IncrementalDecoder(
        tokenizer: tokenizer,
        skipsSpecialTokens: true,
        continuesText: continues
      )
      #expect(try ids.map { try decoder.append($0) }.joined() == text)
    }
  }

  @Test("Byte tokens join into characters as they come")
  func bytes() throws {
    let tokenizer = try Tokenizer(TokenizerDescription(huggingFace: try json("gemma")))
    let ids = ["<0xF0>", "<0x9F>", "<0x98>", "<0x80>"].compactMap { tokenizer.id(ofToken: $0) }
    var decoder = IncrementalDecoder(tokenizer: tokenizer, skipsSpecialTokens: true)
    #expect(try ids.map { try decoder.append($0) } == ["", "", "", "😀"])
  }

  /// A change to a file, the path that the error must name, and its code.
  struct Fault: Sendable, CustomTestStringConvertible {
    var name: String
    var path: [String]
    var value: JSONValue
    var field: String
    var code = MeshError.Code.unimplemented

    var testDescription: String { field }
  }

  static let faults: [Fault] = [
    Fault(name: "llama3", path: ["model", "type"], value: "WordPiece", field: "model.type"),
    Fault(name: "llama3", path: ["model", "dropout"], value: .number(0.1), field: "model.dropout"),
    Fault(
      name: "llama3",
      path: ["model", "end_of_word_suffix"],
      value: "</w>",
      field: "model.end_of_word_suffix"
    ),
    Fault(
      name: "llama3",
      path: ["normalizer"],
      value: .object([.init(key: "type", value: "Lowercase")]),
      field: "normalizer.type"
    ),
    Fault(name: "llama3", path: ["pre_tokenizer"], value: .null, field: "pre_tokenizer"),
    Fault(
      name: "llama3",
      path: ["pre_tokenizer", "pretokenizers", "0", "pattern", "Regex"],
      value: #"\w+"#,
      field: "pre_tokenizer.pretokenizers[0].pattern.Regex"
    ),
    Fault(
      name: "mistral",
      path: ["normalizer", "normalizers", "0", "prepend"],
      value: "_",
      field: "normalizer.normalizers[0].prepend"
    ),
    Fault(
      name: "mistral",
      path: ["decoder", "decoders", "1", "type"],
      value: "WordPiece",
      field: "decoder.decoders[1].type"
    ),
    Fault(
      name: "mistral",
      path: ["post_processor", "type"],
      value: "BertProcessing",
      field: "post_processor.type"
    ),
    Fault(
      name: "mistral",
      path: ["added_tokens", "0", "single_word"],
      value: .boolean(true),
      field: "added_tokens[0].single_word"
    ),
    Fault(
      name: "mistral",
      path: ["added_tokens", "0", "id"],
      value: .integer(1 << 40),
      field: "added_tokens[0].id",
      code: .corrupted
    ),
    Fault(
      name: "mistral",
      path: ["added_tokens", "0", "id"],
      value: .integer(5),
      field: "added_tokens[0].id",
      code: .corrupted
    ),
    Fault(
      name: "mistral",
      path: ["model", "merges"],
      value: .array(["a b c"]),
      field: "model.merges",
      code: .invalidArgument
    ),
    Fault(
      name: "unigram",
      path: ["model", "vocab"],
      value: .null,
      field: "model.vocab",
      code: .notFound
    ),
    Fault(
      name: "unigram",
      path: ["model", "unk_id"],
      value: .integer(900),
      field: "model.unk_id",
      code: .corrupted
    ),
    Fault(name: "unigram", path: ["decoder"], value: .null, field: "decoder", code: .notFound),
  ]

  @Test("What is not supported or wrong is named", arguments: faults)
  func refused(_ fault: Fault) throws {
    let changed = try json(fault.name).replacing(fault.path[...], by: fault.value)
    let error = #expect(throws: MeshError.self) {
      try Tokenizer(TokenizerDescription(huggingFace: changed))
    }
    #expect(error?.field == fault.field, "\(String(describing: error))")
    #expect(error?.code == fault.code, "\(String(describing: error))")
  }

  @Test("Merges as pairs are the same as merges as lines")
  func mergesAsPairs() throws {
    let lines = try json("gemma")
    guard case .array(let merges)? = lines["model"]?["merges"] else {
      Issue.record("no merges")
      return
    }
    let other = merges.map { merge -> JSONValue in
      switch merge {
      case .string(let line): .array(line.split(separator: " ").map { .string(String($0)) })
      case .array(let pair):
        .string(
          pair.map { if case .string(let text) = $0 { text } else { "" } }.joined(separator: " ")
        )
      default: merge
      }
    }
    let changed = lines.replacing(["model", "merges"][...], by: .array(other))
    let expected = try Tokenizer(TokenizerDescription(huggingFace: lines))
    let found = try Tokenizer(TokenizerDescription(huggingFace: changed))
    let text = "The scheduler deals the token budget of each step, and 日本 e\u{301}."
    #expect(found.encode(text) == expected.encode(text))
  }
}

extension JSONValue {
  /// This document with another value at a random place.
  func changedSomewhere(using generator: inout SeededGenerator) -> JSONValue {
    let others: [JSONValue] = [
      .null, .boolean(true), .boolean(false), .integer(-1), .integer(1 << 40), .integer(3),
      .number(0.5), .string(""), .string("▁"), .string("a b"), .array([]), .object([]),
    ]
    switch self {
    case .object(var members) where !members.isEmpty && !generator.isOneOf(8):
      let index = Int.random(in: 0..<members.count, using: &generator)
      if generator.isOneOf(8) {
        members.remove(at: index)
      } else {
        members[index].value = members[index].value.changedSomewhere(using: &generator)
      }
      return .object(members)
    case .array(var elements) where !elements.isEmpty && !generator.isOneOf(8):
      let index = Int.random(in: 0..<elements.count, using: &generator)
      elements[index] = elements[index].changedSomewhere(using: &generator)
      return .array(elements)
    default:
      return others.randomElement(using: &generator)!
    }
  }

  /// This document with another value at a path of keys and indices.
  func replacing(_ path: ArraySlice<String>, by value: JSONValue) -> JSONValue {
    guard let key = path.first else { return value }
    let rest = path.dropFirst()
    switch self {
    case .object(var members):
      if let index = members.firstIndex(where: { $0.key == key }) {
        members[index].value = members[index].value.replacing(rest, by: value)
      } else {
        members.append(.init(key: key, value: value))
      }
      return .object(members)
    case .array(var elements):
      let index = Int(key)!
      elements[index] = elements[index].replacing(rest, by: value)
      return .array(elements)
    default:
      return value
    }
  }
}

extension SeededGenerator {
  /// True once in so many times.
  fileprivate mutating func isOneOf(_ count: Int) -> Bool {
    Int.random(in: 0..<count, using: &self) == 0
  }
}
