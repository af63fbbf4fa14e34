import Dispatch
import Grammars
import MeshTypes
import Synchronization
import Tokenization
import TokenizerFiles

/// Compiles grammars for sequences on a thread of its own, while steps go on, and keeps those used
/// last for the next.
final class StructureLibrary: Sendable {
  private struct State {
    var structures: [StructuredOutput: CompiledStructure] = [:]
    /// The least recently used first.
    var order: [StructuredOutput] = []
    /// The model's vocabulary, read when the first grammar comes.
    var tree: Result<TokenTree, MeshError>?
  }

  private static let maximumCount = 32
  /// What is kept besides the grammar used last.
  private static let maximumBytes = 256 << 20

  private let modelPath: String
  private let vocabularySize: Int
  private let state = Mutex(State())
  private let queue = DispatchQueue(label: "weft.worker.grammars")

  /// - Parameters:
  ///   - modelPath: Where the vocabulary is read from.
  ///   - vocabularySize: The number of the model's logits.
  init(modelPath: String, vocabularySize: Int) {
    self.modelPath = modelPath
    self.vocabularySize = vocabularySize
  }

  /// The masks of a grammar, which may still be compiling.
  func structure(of source: StructuredOutput) -> CompiledStructure {
    state.withLock { state in
      state.order.removeAll { $0 == source }
      state.order.append(source)
      let structure = state.structures[source] ?? compile(source)
      state.structures[source] = structure
      let bytes = state.structures.values.reduce(0) { $0 + $1.byteCount }
      let isFull = state.order.count > Self.maximumCount || bytes > Self.maximumBytes
      if isFull, state.order.count > 1 {
        state.structures[state.order.removeFirst()] = nil
      }
      return structure
    }
  }

  private func compile(_ source: StructuredOutput) -> CompiledStructure {
    let structure = CompiledStructure()
    queue.async {
      structure.complete(
        Result { () throws(MeshError) in
          var masks = GrammarMasks(try Grammar(compiling: source), tokens: try self.tree())
          // The first masks, so that the first step need not find them.
          var matcher = masks.start()
          _ = try masks.mask(for: &matcher)
          return masks
        }
      )
    }
    return structure
  }

  /// The vocabulary's tree. On the compiling thread alone.
  private func tree() throws(MeshError) -> TokenTree {
    if let tree = state.withLock({ $0.tree }) { return try tree.get() }
    let tree = Result { () throws(MeshError) in try readTree() }
    state.withLock { $0.tree = tree }
    return try tree.get()
  }

  private func readTree() throws(MeshError) -> TokenTree {
    let tokenizer = try Tokenizer(TokenizerDescription(modelPath: modelPath))
    return TokenTree(
      vocabularySize: vocabularySize,
      endTokenIDs: tokenizer.endOfGenerationTokenIDs
    ) { id in
      guard let isSpecial = try? tokenizer.isSpecial(id), !isSpecial else { return nil }
      return try? tokenizer.bytes(of: id)
    }
  }
}
