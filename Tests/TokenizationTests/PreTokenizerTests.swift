import Testing
import Tokenization

@Suite("Pre-tokenizers")
struct PreTokenizerTests {
  private func pieces(_ text: String, _ preTokenizer: PreTokenizer) -> [String] {
    let bytes = Array(text.utf8)
    var pieces: [String] = []
    var start = 0
    while start < bytes.count {
      let end = preTokenizer.endOfPiece(from: start, in: bytes.span)
      pieces.append(String(decoding: bytes[start..<end], as: UTF8.self))
      start = end
    }
    return pieces
  }

  @Test("Words take the space before them", arguments: PreTokenizer.allCases)
  func words(_ preTokenizer: PreTokenizer) {
    #expect(pieces("Ein schöner  Tag!", preTokenizer) == ["Ein", " schöner", " ", " Tag", "!"])
  }

  @Test("White space leaves its last character to what follows, and keeps it at the end")
  func whitespace() {
    #expect(pieces("a \t b  ", .gpt2) == ["a", " \t", " b", "  "])
    #expect(pieces("a\tb", .gpt2) == ["a", "\t", "b"])
    #expect(pieces("a\u{3000}\u{85}b", .gpt2) == ["a", "\u{3000}", "\u{85}", "b"])
    #expect(pieces("a\u{200B}b", .gpt2) == ["a", "\u{200B}", "b"])
  }

  @Test("GPT-2 keeps numbers together, SmolLM lets each stand alone without a space")
  func numbers() {
    #expect(pieces("in 2024½", .gpt2) == ["in", " 2024½"])
    #expect(pieces("in 2024½", .smollm) == ["in", " ", "2", "0", "2", "4", "½"])
    #expect(pieces("in   20", .smollm) == ["in", "   ", "2", "0"])
    #expect(pieces("in   20", .gpt2) == ["in", "  ", " 20"])
  }

  @Test("Llama 3 takes up to three numbers, Qwen 2 one, neither with a space")
  func numbersOfLlama3() {
    #expect(pieces(" 12345٣", .llamaBPE) == [" ", "123", "45٣"])
    #expect(pieces(" 12345", .qwen2) == [" ", "1", "2", "3", "4", "5"])
  }

  @Test("Contractions: lower case for GPT-2, any case for Llama 3")
  func contractions() {
    #expect(pieces("I'll IT'S'd", .gpt2) == ["I", "'ll", " IT", "'", "S", "'d"])
    #expect(pieces("I'lL IT'S'x", .llamaBPE) == ["I", "'lL", " IT", "'S", "'x"])
    #expect(pieces("a'ſb", .qwen2) == ["a", "'ſ", "b"])
    #expect(pieces("a’s", .gpt2) == ["a", "’", "s"])
    #expect(pieces("a'", .qwen2) == ["a", "'"])
  }

  @Test("In Llama 3 any character but a line break leads a word")
  func leadingCharacter() {
    #expect(pieces("(foo\tbar\nbaz", .llamaBPE) == ["(foo", "\tbar", "\n", "baz"])
    #expect(pieces("((foo", .qwen2) == ["((", "foo"])
  }

  @Test("In Llama 3 line breaks end punctuation and white space")
  func lineBreaks() {
    #expect(pieces("x; \n\r\n  y", .llamaBPE) == ["x", ";", " \n\r\n", " ", " y"])
    #expect(pieces("x;\n\ny", .qwen2) == ["x", ";\n\n", "y"])
  }

  @Test("Names are those of GGUF files")
  func names() throws {
    #expect(try PreTokenizer(named: "smollm") == .smollm)
    #expect(try PreTokenizer(named: "gpt-2") == .gpt2)
    #expect(try PreTokenizer(named: "llama-bpe") == .llamaBPE)
    #expect(try PreTokenizer(named: "qwen2") == .qwen2)
  }
}
