import MeshTypes
import TestSupport
import Testing
import Tokenization

@Suite("Tokenizer")
struct TokenizerTests {
  private let marks: [(text: String, type: TokenType)] = [
    ("<end>", .control), ("<end>of", .control), ("<tool>", .userDefined), ("<unk>", .unknown),
    ("<spare>", .unused),
  ]

  @Test("Empty text has no tokens")
  func emptyText() throws {
    let tokenizer = try Tokenizer(SmallVocabulary.description())
    #expect(tokenizer.encode("").isEmpty)
    #expect(try tokenizer.decode([], skipsSpecialTokens: true) == "")
  }

  @Test("Every byte has its token, and the token stands for the byte")
  func bytes() throws {
    let tokenizer = try Tokenizer(SmallVocabulary.description())
    for byte in TokenID(0)..<256 {
      #expect(Array(try tokenizer.bytes(of: byte)) == [UInt8(byte)])
    }
    #expect(tokenizer.encode("a\0é") == [97, 0, 0xC3, 0xA9])
    #expect(tokenizer.id(ofToken: "Ġ") == 0x20)
  }

  @Test("Merges are applied by rank, then from the left")
  func merges() throws {
    let tokenizer = try Tokenizer(
      SmallVocabulary.description(merges: ["b c", "a b", "a a", "aa a", "a bc"])
    )
    #expect(tokenizer.tokens("abc") == ["abc"])
    #expect(tokenizer.tokens("abab") == ["ab", "ab"])
    #expect(tokenizer.tokens("aaaaa") == ["aa", "aaa"])
  }

  @Test("Special tokens are recognised only where the caller allows")
  func specialTokens() throws {
    let tokenizer = try Tokenizer(SmallVocabulary.description(added: marks))
    #expect(tokenizer.tokens("a<end>b", .recognised) == ["a", "<end>", "b"])
    #expect(tokenizer.tokens("<end>", .plainText) == ["<", "e", "n", "d", ">"])
    #expect(tokenizer.tokens("<unk>", .recognised) == ["<unk>"])
    #expect(tokenizer.tokens("<unk>", .plainText) == ["<", "u", "n", "k", ">"])
  }

  @Test("User-defined tokens are found in plain text too, unused ones never")
  func userDefinedTokens() throws {
    let tokenizer = try Tokenizer(SmallVocabulary.description(added: marks))
    #expect(tokenizer.tokens("x<tool>", .plainText) == ["x", "<tool>"])
    #expect(tokenizer.tokens("x<tool>", .recognised) == ["x", "<tool>"])
    #expect(tokenizer.encode("<spare>", .recognised).count == 7)
  }

  @Test("Of special tokens that begin at one place the longest is taken")
  func longestSpecialToken() throws {
    let tokenizer = try Tokenizer(SmallVocabulary.description(added: marks))
    #expect(tokenizer.tokens("<end>of<end>o<end") == ["<end>of", "<end>", "o", "<", "e", "n", "d"])
  }

  @Test("Special tokens can be left out of the text")
  func skippingSpecialTokens() throws {
    let tokenizer = try Tokenizer(SmallVocabulary.description(added: marks))
    let ids = tokenizer.encode("a<end>b<tool>c<unk>")
    #expect(try tokenizer.decode(ids, skipsSpecialTokens: true) == "ab<tool>c")
    #expect(try tokenizer.decode(ids, skipsSpecialTokens: false) == "a<end>b<tool>c<unk>")
  }

  @Test("Invalid bytes decode to U+FFFD, one for each maximal run")
  func invalidBytes() throws {
    let tokenizer = try Tokenizer(SmallVocabulary.description())
    let text = try tokenizer.decode([0x61, 0xE2, 0x82, 0x62, 0xFF], skipsSpecialTokens: true)
    #expect(text == "a\u{FFFD}b\u{FFFD}")
  }

  @Test("Ids beyond the vocabulary are named", arguments: [256 as TokenID, .max])
  func idsOutOfRange(_ id: TokenID) throws {
    let tokenizer = try Tokenizer(SmallVocabulary.description())
    let error = #expect(throws: MeshError.self) {
      try tokenizer.decode([1, id], skipsSpecialTokens: true)
    }
    #expect(error?.code == .invalidArgument)
    #expect(error?.field == "token_ids")
    #expect(error?.message.contains("0..<256") == true)
    #expect(tokenizer.token(of: id) == nil)
    #expect(throws: MeshError.self) { try tokenizer.bytes(of: id) }
  }

  @Test("The begin of sequence comes in front where asked for")
  func beginOfSequence() throws {
    var description = SmallVocabulary.description(added: [("<s>", .control)])
    #expect(
      try Tokenizer(description).encode("a", specialTokens: .plainText, addsBeginOfSequence: true)
        == [97]
    )
    description.beginOfSequence = 256
    let tokenizer = try Tokenizer(description)
    #expect(
      tokenizer.encode("a", specialTokens: .plainText, addsBeginOfSequence: true) == [256, 97]
    )
    #expect(tokenizer.encode("", specialTokens: .plainText, addsBeginOfSequence: true) == [256])
    #expect(tokenizer.encode("a") == [97])
  }

  @Test("Where the file does not say, only Llama 3 texts begin with the begin of sequence")
  func defaultForBeginOfSequence() throws {
    for preTokenizer in PreTokenizer.allCases {
      var description = SmallVocabulary.description(preTokenizer: preTokenizer.rawValue)
      #expect(try Tokenizer(description).addsBeginOfSequence == false)
      description.beginOfSequence = 1
      #expect(try Tokenizer(description).addsBeginOfSequence == (preTokenizer == .llamaBPE))
      description.addsBeginOfSequence = preTokenizer != .llamaBPE
      #expect(try Tokenizer(description).addsBeginOfSequence == (preTokenizer != .llamaBPE))
    }
  }

  @Test("Llama 3 takes a piece that is a token whole, though no merges lead there")
  func knownPiecesWhole() throws {
    var description = SmallVocabulary.description(added: [("Ġhello", .normal)])
    #expect(try Tokenizer(description).encode(" hello").count == 6)
    description.preTokenizer = "llama-bpe"
    #expect(try Tokenizer(description).encode(" hello") == [256])
  }

  @Test("A byte without a token is left out")
  func missingByte() throws {
    var description = SmallVocabulary.description(merges: ["! !"])
    description.tokens[4] = "none"
    let tokenizer = try Tokenizer(description)
    #expect(tokenizer.tokens("!\u{4}!") == ["!!"])
    #expect(tokenizer.encode("\u{4}").isEmpty)
  }

  @Test("Generation ends with the end of sequence and the known ends of turns")
  func endOfGeneration() throws {
    var description = SmallVocabulary.description(added: [
      ("<|eot_id|>", .control), ("<|im_end|>", .normal), ("<|endoftext|>", .control),
      ("<custom>", .control), ("<|im_start|>", .control),
    ])
    description.endOfSequence = 259
    #expect(try Tokenizer(description).endOfGenerationTokenIDs == [256, 258, 259])
  }

  @Test("In the harmony format the end of a message does not end the generation")
  func endOfGenerationInHarmony() throws {
    let description = SmallVocabulary.description(added: [
      ("<|return|>", .control), ("<|call|>", .control), ("<|end|>", .control),
    ])
    #expect(try Tokenizer(description).endOfGenerationTokenIDs == [256, 257])
  }

  @Test("The default model's own settings")
  func defaultModel() throws {
    let tokenizer = try DefaultModel.tokenizer()
    #expect(tokenizer.vocabularySize == 49152)
    #expect(tokenizer.beginOfSequence == tokenizer.id(ofToken: "<|im_start|>"))
    #expect(tokenizer.endOfSequence == tokenizer.id(ofToken: "<|im_end|>"))
    #expect(!tokenizer.addsBeginOfSequence)
    #expect(tokenizer.endOfGenerationTokenIDs.isSuperset(of: [0, 2]))
    #expect(!tokenizer.endOfGenerationTokenIDs.contains(1))
  }
}
