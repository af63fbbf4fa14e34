/// Different prompts and lengths for many streams at once, the same in every run.
enum Workload {
  private static let openings = [
    "Once upon a time", "The history of", "In the year 2050,", "A recipe for", "def main():\n",
    "The three laws of", "Dear Sir or Madam,", "It was raining when", "List of rivers:",
    "The quick brown fox", "Chapter 1.", "1, 1, 2, 3, 5,", "Q: Why is the sky blue?\nA:",
    "SELECT name FROM", "My favourite book is", "The capital of France is",
  ]

  /// Calls of `count` streams: prompts of some 3 to 300 tokens, 8 to 71 new ones, every third one
  /// sampled with a seed of its own.
  static func calls(_ count: Int) -> [String] {
    (0..<count).map { index in
      let opening = openings[index % openings.count]
      let text = Array(repeating: opening, count: 1 + index * 7 % 50).joined(separator: " ")
      let sampling =
        index % 3 == 0
        ? #", "sampling": {"temperature": 0.8, "top_k": 40, "top_p": 0.95, "seed": \#(index)}"# : ""
      let quoted = text.replacing("\n", with: "\\n")
      return """
        {"generate": {"text": "\(quoted)", "options": {"max_tokens": \(8 + index * 13 % 64), \
        "ignore_eos": true\(sampling)}}}
        """
    }
  }
}
