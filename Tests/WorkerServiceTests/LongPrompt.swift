import BlockCache
import FoundationEssentials
import MeshProtos
import SwiftProtobuf
import TestSupport

/// A prompt of three full blocks and two tokens more.
struct LongPrompt: Sendable {
  let tokenIDs: [UInt32]

  /// The content keys of its full blocks.
  let keys: [BlockKey]

  static let fullBlockCount = 3
  /// Positions that the full blocks have.
  static let storedTokenCount = fullBlockCount * 16
  /// Where its blocks are in the store.
  static let namespace = "tenant"
  /// Bytes of a block of the default model in the store: the block and its seal.
  static let storedBytes = 368_640 + 32

  /// The prompt with a number: any tokens, always the same.
  init(_ number: UInt64 = 1) {
    var generator = SeededGenerator(seed: number)
    let tokenIDs = (0..<50).map { _ in UInt32.random(in: 1000..<49_000, using: &generator) }
    var key = BlockKey.root(modelDigest: [], numericsID: "", layout: "", blockSizeTokens: 16)
    keys = (0..<Self.fullBlockCount).map { block in
      key = key.child(of: tokenIDs[(16 * block)..<(16 * block + 16)])
      return key
    }
    self.tokenIDs = tokenIDs
  }
}

extension Execution {
  /// Begins `prompt` as a sequence in four blocks of which the first ones hold its tokens before
  /// `position`, and samples five tokens, as many as tell one continuation from another.
  func decode(
    _ prompt: LongPrompt,
    as sequence: UInt64 = 1,
    from position: Int = 0,
    in blocks: Range<UInt32>
  ) async throws -> [UInt32] {
    let count = prompt.tokenIDs.count
    var result = try await step {
      $0.starts = [.of(sequence, prompt.tokenIDs)]
      $0.slices = [.of(sequence, position, count - position, blocks: Array(blocks))]
    }
    var sampled = result.sampled.map(\.tokenID)
    for next in count..<count + 4 {
      result = try await step { $0.slices = [.of(sequence, next, 1)] }
      sampled += result.sampled.map(\.tokenID)
    }
    return sampled
  }

  /// Computes `prompt` in blocks 0...3 and stores its full blocks.
  ///
  /// - Returns: Its continuation.
  func store(_ prompt: LongPrompt) async throws -> [UInt32] {
    let sampled = try await decode(prompt, in: 0..<4)
    try await step { $0.stores = [.of(1, prompt, in: 0..<3)] }
    try await store(1)
    return sampled
  }

  /// Loads the full blocks of `prompt` as load 1.
  func load(_ prompt: LongPrompt, in blocks: Range<UInt32>) async throws -> LoadResult {
    try await step { $0.loads = [.of(1, prompt, in: blocks)] }
    return try await load(1)
  }
}

extension Weft_Worker_V1_BlockStore {
  /// The leading blocks of `prompt`, which are in `blocks`.
  static func of(_ number: UInt64, _ prompt: LongPrompt, in blocks: Range<UInt32>) -> Self {
    .with {
      $0.store = number
      $0.namespace = LongPrompt.namespace
      $0.blocks = Array(blocks)
      $0.keys = prompt.keys.prefix(blocks.count).wire
    }
  }

  /// Some blocks of `prompt`, which the step computes in `blocks`.
  static func asComputed(
    _ number: UInt64,
    _ prompt: LongPrompt,
    _ range: Range<Int>,
    in blocks: Range<UInt32>
  ) -> Self {
    .with {
      $0.store = number
      $0.namespace = LongPrompt.namespace
      $0.blocks = Array(blocks)
      $0.keys = prompt.keys[range].wire
      $0.asComputed = true
    }
  }
}

extension Weft_Worker_V1_BlockLoad {
  /// The leading blocks of `prompt`, into `blocks`. In no hurry, unless told.
  static func of(
    _ id: UInt64,
    _ prompt: LongPrompt,
    in blocks: Range<UInt32>,
    timeoutMilliseconds: UInt32 = 25_000
  ) -> Self {
    .with {
      $0.load = id
      $0.namespace = LongPrompt.namespace
      $0.blocks = Array(blocks)
      $0.keys = prompt.keys.prefix(blocks.count).wire
      $0.timeoutMilliseconds = timeoutMilliseconds
    }
  }
}

extension Sequence<BlockKey> {
  /// The keys one after the other.
  var wire: Data { reduce(into: Data()) { $0.append(contentsOf: $1.bytes) } }
}
