import Grammars
import MeshTypes
import Testing

@Suite("GBNF grammars")
struct GBNFTests {
  private static let arithmetic = #"""
    # Sums of products.
    root  ::= (expr "=" ws term "\n")+
    expr  ::= term ([-+*/] term)*
    term  ::= ident | num | "(" ws expr ")" ws
    ident ::= [a-z] [a-z0-9_]* ws
    num   ::= [0-9]+ ws
    ws    ::= [ \t\n]*
    """#

  private static let json = #"""
    root   ::= object
    value  ::= object | array | string | number | ("true" | "false" | "null") ws

    object ::=
      "{" ws (
                string ":" ws value
        ("," ws string ":" ws value)*
      )? "}" ws

    array  ::=
      "[" ws (
                value
        ("," ws value)*
      )? "]" ws

    string ::=
      "\"" (
        [^"\\\x7F\x00-\x1F] |
        "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) # escapes
      )* "\"" ws

    number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws
    ws ::= | " " | "\n" [ \t]{0,20}
    """#

  @Test("of llama.cpp are read")
  func examples() throws {
    let sums = try Grammar(compiling: .gbnf(Self.arithmetic))
    #expect(sums.accepts(Array("(a1 +5)*b= c\n".utf8)))
    #expect(!sums.accepts(Array("(a1 +5*b= c\n".utf8)))
    let json = try Grammar(compiling: .gbnf(Self.json))
    #expect(json.accepts(Array(#"{"a": [1, -2.5e3, "\u00e9\"", {}], "ü": null}"#.utf8)))
    #expect(!json.accepts(Array(#"{"a": [1,]}"#.utf8)))
    #expect(!json.accepts(Array("[1]".utf8)))
  }

  @Test("have literals, classes, repetitions, groups and comments")
  func syntax() throws {
    let accepted: [(String, [String], [String])] = [
      (#"root ::= "a" | "b" # or"#, ["a", "b"], ["", "ab"]),
      ("root ::= \"a\"\n  | \"b\"\n  | other\nother::=[x-z]", ["a", "b", "y"], ["c"]),
      (#"root ::= "\x41\u00e9\U0001F600\"\\\n""#, ["Aé😀\"\\\n"], []),
      (#"root ::= [^a-c\]\-]"#, ["d", "é", "\n"], ["b", "]", "-"]),
      (#"root ::= .{2}"#, ["é\n"], ["a"]),
      (#"root ::= "a"{2,3} ("b" "c")? [d]+"#, ["aad", "aaabcdd"], ["ad", "aabd"]),
      (#"root ::= "" | "(" root ")" root"#, ["", "(())()"], ["(()", ")"]),
      ("root ::= (\n\"a\"\n|\n\"b\"\n)*\n", ["", "abba"], ["c"]),
      (#"root ::= [a-]+"#, ["a-a"], ["b"]),
    ]
    for (source, matching, others) in accepted {
      let grammar = try Grammar(compiling: .gbnf(source))
      for text in matching { #expect(grammar.accepts(Array(text.utf8)), "\(source): \(text)") }
      for text in others { #expect(!grammar.accepts(Array(text.utf8)), "\(source): \(text)") }
    }
  }

  @Test("that are wrong are refused, with the place or the rule")
  func errors() {
    let refused: [(String, MeshError.Code, String)] = [
      ("", .invalidArgument, "\"root\""),
      (#"start ::= "a""#, .invalidArgument, "\"root\""),
      ("root ::= missing", .invalidArgument, "at character 9: rule \"missing\""),
      ("root ::= \"a\"\nroot ::= \"b\"", .invalidArgument, "twice"),
      (#"root ::= "a"#, .invalidArgument, "not closed"),
      ("root ::= [a", .invalidArgument, "not closed"),
      (#"root ::= ("a""#, .invalidArgument, "expected ')'"),
      ("root = \"a\"", .invalidArgument, "at character 5: expected '::='"),
      (#"root ::= "\q""#, .invalidArgument, "escape"),
      ("root ::= \"a\" ) \"b\"", .invalidArgument, "at character 13"),
      ("root ::= \"a\"{2,1}", .invalidArgument, "2 is more than 1"),
      ("root ::= <[42]>", .unimplemented, "at character 9"),
      (#"root ::= root "a" | "a""#, .invalidArgument, "rule \"root\""),
      ("root ::= a\na ::= b? a \"x\" | \"y\"\nb ::= \"b\"", .invalidArgument, "rule \"a\""),
      ("root ::= a\na ::= \"(\" a \")\"", .invalidArgument, "allows none"),
      (String(repeating: "(", count: 100), .invalidArgument, "rule's name"),
      ("root ::= " + String(repeating: "(", count: 100), .outOfRange, "64"),
      ("root ::= \"a\"" + String(repeating: "*", count: 100), .outOfRange, "64"),
    ]
    for (source, code, message) in refused {
      let error = #expect(throws: MeshError.self) { try Grammar(compiling: .gbnf(source)) }
      #expect(error?.code == code, "\(source.prefix(60)): \(String(describing: error))")
      #expect(error?.message.contains(message) == true, "\(String(describing: error))")
      #expect(error?.field == "structured_output.grammar")
    }
  }
}
