import Testing
import WeftCLI

@Suite("Outputs on a terminal")
struct OutputTextTests {
  @Test("A single one streams, and ends with a newline")
  func one() {
    var text = OutputText(count: 1)
    #expect(text.take("Hello", of: 0, isLast: false) == "Hello")
    #expect(text.take(" world", of: 0, isLast: true) == " world\n")
  }

  @Test("Several come one after the other under their numbers, however their parts arrive")
  func several() {
    var text = OutputText(count: 3)
    #expect(text.take("b", of: 1, isLast: false) == "[0] ")
    #expect(text.take("a", of: 0, isLast: false) == "a")
    #expect(text.take("c", of: 2, isLast: true) == "")
    #expect(text.take("A", of: 0, isLast: true) == "A\n[1] b")
    #expect(text.take("B", of: 1, isLast: false) == "B")
    #expect(text.take("", of: 1, isLast: true) == "\n[2] c\n")
    #expect(text.take("more", of: 3, isLast: true) == "")
  }
}
