package import BlockCache
import MeshTypes

/// A tenant's part of a store: its keys are found by nobody else.
package struct NamespaceID: RawRepresentable, Hashable, Sendable {
  package var rawValue: UInt32

  package init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// What a block is found by: two namespaces never share one, whatever their keys.
package struct StoredKey: Hashable, Sendable {
  package var namespace: NamespaceID
  package var key: BlockKey

  package init(namespace: NamespaceID, key: BlockKey) {
    self.namespace = namespace
    self.key = key
  }
}

/// What one namespace has and did.
package struct NamespaceStatistics: Hashable, Sendable {
  package var name: String
  /// The most payload bytes that it may have; `Int.max` sets no limit.
  package var quotaBytes: Int
  /// Payload bytes of its blocks, those being written or still being read included.
  package internal(set) var usedBytes = 0
  /// Payload bytes under leases.
  package internal(set) var pinnedBytes = 0
  /// Blocks that can be found.
  package internal(set) var blockCount = 0
  /// Blocks asked for and given.
  package internal(set) var hitCount: UInt64 = 0
  /// Blocks asked for and not there.
  package internal(set) var missCount: UInt64 = 0
}

/// The namespaces by name and by number. Numbers are never used again.
struct NamespaceTable: Sendable {
  private var namespaces: [NamespaceStatistics] = []
  private var names: [String: NamespaceID] = [:]

  var all: [NamespaceStatistics] { namespaces }
  var count: Int { namespaces.count }

  func contains(_ namespace: NamespaceID) -> Bool { namespace.rawValue < namespaces.count }

  func named(_ name: String) -> NamespaceID? { names[name] }

  subscript(namespace: NamespaceID) -> NamespaceStatistics {
    _read { yield namespaces[Int(namespace.rawValue)] }
    _modify { yield &namespaces[Int(namespace.rawValue)] }
  }

  mutating func add(_ name: String, quotaBytes: Int) -> NamespaceID {
    let namespace = NamespaceID(rawValue: UInt32(namespaces.count))
    namespaces.append(NamespaceStatistics(name: name, quotaBytes: quotaBytes))
    names[name] = namespace
    return namespace
  }
}
