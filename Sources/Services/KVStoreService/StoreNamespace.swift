import BlockCache
import MeshTypes

/// A namespace as a request names it, whether it exists or not.
struct StoreNamespace: Sendable {
  let name: String
  private let keySpace: NamespaceKeySpace

  /// Checks a name.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming `namespace`.
  init(_ name: String) throws(MeshError) {
    guard (1...256).contains(name.utf8.count) else {
      throw .invalid("namespace", "must be of 1...256 bytes, got \(name.utf8.count)")
    }
    self.init(existing: name)
  }

  /// Takes a name that was checked before.
  init(existing name: String) {
    self.name = name
    keySpace = NamespaceKeySpace(namespace: name)
  }

  /// The key under which `key` of this namespace lies on disk.
  func diskKey(_ key: BlockKey) -> BlockKey { keySpace.key(for: key) }
}
