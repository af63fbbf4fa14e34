import BlockCache
import MeshTypes

/// The requests that were found to kill workers, the last ones first in mind: known by a digest of
/// their prompt under their tenant's salt.
struct Quarantine: Sendable {
  private static let root = BlockKey.root(
    modelDigest: [],
    numericsID: "",
    layout: "weft.quarantine.v1",
    blockSizeTokens: 1
  )

  private var digests: Set<BlockKey> = []
  /// Oldest first.
  private var order: [BlockKey] = []

  mutating func insert(prompt: some Collection<TokenID>, salt: [UInt8], limit: Int) {
    let digest = Self.digest(prompt, salt)
    guard digests.insert(digest).inserted else { return }
    order.append(digest)
    while order.count > limit { digests.remove(order.removeFirst()) }
  }

  /// - Complexity: O(1) while the quarantine is empty, else O(prompt).
  func contains(prompt: [TokenID], salt: [UInt8]) -> Bool {
    !digests.isEmpty && digests.contains(Self.digest(prompt, salt))
  }

  private static func digest(_ prompt: some Collection<TokenID>, _ salt: [UInt8]) -> BlockKey {
    root.salted(by: salt).child(of: prompt)
  }
}
