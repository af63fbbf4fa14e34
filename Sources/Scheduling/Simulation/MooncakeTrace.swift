import JSONText
package import MeshTypes

/// A trace of requests in the format of Mooncake: one JSON object a line, with the time of arrival in
/// milliseconds, the lengths of prompt and answer, and a number for each block of 512 tokens of the
/// prompt; equal numbers mean an equal prefix.
package struct MooncakeTrace: Hashable, Sendable {
  /// Tokens of a prompt that share a number.
  package static let blockTokens = 512

  /// A line.
  package struct Entry: Hashable, Sendable {
    /// Milliseconds since the beginning.
    package var timestamp: Int
    /// Tokens of the prompt.
    package var inputLength: Int
    /// Tokens of the answer.
    package var outputLength: Int
    /// One for each block of the prompt.
    package var blocks: [Int]
  }

  /// In the order of the file.
  package var entries: [Entry]

  /// Reads a trace.
  ///
  /// - Parameters:
  ///   - text: The file's bytes.
  ///   - limit: The most lines that are read.
  /// - Throws: ``MeshError`` naming the line and what is wrong with it.
  package init(parsing text: [UInt8], limit: Int = .max) throws(MeshError) {
    entries = []
    for line in text.split(separator: UInt8(ascii: "\n")) where entries.count < limit {
      let subject = "line \(entries.count + 1)"
      let value = try JSONValue(
        parsing: Array(line),
        subject: subject,
        limits: JSONLimits(byteCount: 1 << 20)
      )
      let field = JSONField(value, path: subject)
      var blocks: [Int] = []
      for block in try field.member("hash_ids").elements() {
        blocks.append(try block.integer(in: 0...1 << 40))
      }
      let entry = Entry(
        timestamp: try field.member("timestamp").integer(in: 0...1 << 40),
        inputLength: try field.member("input_length").integer(in: 1...1 << 24),
        outputLength: try field.member("output_length").integer(in: 1...1 << 24),
        blocks: blocks
      )
      guard (entry.inputLength + Self.blockTokens - 1) / Self.blockTokens <= blocks.count else {
        throw MeshError(.corrupted, "\(subject) has too few hash_ids", field: "hash_ids")
      }
      entries.append(entry)
    }
  }

  /// The trace as requests.
  ///
  /// - Parameters:
  ///   - speed: How many times as fast as they came they come again.
  ///   - shrink: Prompts and answers are so many times as short; a divisor of 512.
  package func requests(speed: Double = 1, shrink: Int = 1) -> [SimulatedRequest] {
    entries.map { entry in
      var left = max(1, entry.inputLength / shrink)
      var passages: [SimulatedPrompt.Passage] = []
      for block in entry.blocks where left > 0 {
        let length = min(left, Self.blockTokens / shrink)
        passages.append(.init(text: UInt64(block), tokenCount: length))
        left -= length
      }
      var request = SimulatedRequest(
        arrivalMicroseconds: Int(Double(entry.timestamp) * 1000 / speed),
        prompt: SimulatedPrompt(passages),
        maxTokens: max(1, entry.outputLength / shrink)
      )
      request.timeoutMicroseconds = 24 * 3_600_000_000
      return request
    }
  }
}
