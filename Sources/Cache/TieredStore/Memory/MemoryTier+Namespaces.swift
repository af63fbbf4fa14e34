package import MeshTypes

/// Tenants and their quotas.
extension MemoryTier {
  /// The number of a namespace, if there is one of that name.
  package func namespace(named name: String) -> NamespaceID? { namespaces.named(name) }

  /// The name of a namespace.
  package func name(of namespace: NamespaceID) -> String { namespaces[namespace].name }

  /// The number of a namespace, which is made with the default quota if there is none.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` for a name that is not 0...256 bytes long,
  ///   `resourceExhausted` when there are too many namespaces.
  package mutating func openNamespace(_ name: String) throws(MeshError) -> NamespaceID {
    if let present = namespaces.named(name) { return present }
    guard name.utf8.count <= 256 else {
      throw .invalid("namespace", "must have at most 256 bytes, got \(name.utf8.count)")
    }
    guard namespaces.count < configuration.namespaceLimit else {
      throw MeshError(
        .resourceExhausted,
        "there are \(configuration.namespaceLimit) namespaces already",
        field: "namespace"
      )
    }
    return namespaces.add(name, quotaBytes: configuration.defaultQuotaBytes ?? .max)
  }

  /// Sets the most bytes that a namespace may have; it gives up blocks beyond it, as far as they
  /// are not pinned or held.
  ///
  /// - Parameter evictions: Blocks that went are appended.
  /// - Throws: ``MeshError`` `invalidArgument` for less than 0, `notFound` for an unknown namespace.
  package mutating func setQuota(
    of namespace: NamespaceID,
    toBytes quotaBytes: Int,
    evictions: inout [Eviction]
  ) throws(MeshError) {
    try check(namespace)
    guard quotaBytes >= 0 else { throw .invalid("quota", "must be at least 0, got \(quotaBytes)") }
    namespaces[namespace].quotaBytes = quotaBytes
    while namespaces[namespace].usedBytes > quotaBytes,
      let group = groups.evictable(in: Int(namespace.rawValue)).first,
      let victim = groups.nextVictim(of: group)
    {
      evictions.append(withdraw(victim, .quota))
    }
  }
}
