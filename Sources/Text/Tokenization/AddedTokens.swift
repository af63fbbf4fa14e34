import MeshTypes

/// The tokens that are found in text before a model sees it.
struct AddedTokens: Sendable {
  /// Found in every text.
  let userDefined: TokenTrie
  /// Found where the caller allows special tokens.
  let all: TokenTrie

  /// Creates the tries.
  ///
  /// - Parameters:
  ///   - ids: Which tokens to look for; others are ignored.
  ///   - bytes: How a token appears in text.
  init(
    _ vocabulary: Vocabulary,
    among ids: (TokenID) -> Bool,
    bytes: (TokenID) -> [UInt8]
  ) {
    func tokens(_ isWanted: (TokenType) -> Bool) -> TokenTrie {
      TokenTrie(
        (0..<TokenID(vocabulary.count))
          .filter { isWanted(vocabulary.types[Int($0)]) && ids($0) }
          .map { ($0, bytes($0)) }
      )
    }
    userDefined = tokens { $0 == .userDefined }
    all = tokens { $0 == .userDefined || $0.isSpecial }
  }

  /// Those that a policy lets be found.
  func tokens(_ policy: SpecialTokenPolicy) -> TokenTrie {
    policy == .recognised ? all : userDefined
  }
}
