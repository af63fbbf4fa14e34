package import MeshTypes

/// The settings of a ``MemoryTier``.
package struct MemoryTierConfiguration: Hashable, Sendable {
  /// The arena's size, a multiple of ``slabBytes``.
  package var capacityBytes: Int
  /// The size of a slab, and so of the largest block: a multiple of 4096. Tails of slabs that hold
  /// no whole block are unused: 45 blocks of 368 640 bytes leave 1.1 % of 16 MiB.
  package var slabBytes: Int
  /// Which block goes when room is needed.
  package var policy: EvictionPolicyKind
  /// The quota of namespaces that are given none; nil sets no limit.
  package var defaultQuotaBytes: Int?
  /// The most namespaces.
  package var namespaceLimit: Int
  /// The most leases in force at once.
  package var leaseLimit: Int
  /// The longest time that a lease may have left.
  package var longestLeaseMilliseconds: UInt64
  /// The most evictions remembered for watchers.
  package var evictionLogLength: Int

  /// Creates settings.
  package init(
    capacityBytes: Int,
    slabBytes: Int = 16 << 20,
    policy: EvictionPolicyKind = .s3FIFO,
    defaultQuotaBytes: Int? = nil,
    namespaceLimit: Int = 4096,
    leaseLimit: Int = 65_536,
    longestLeaseMilliseconds: UInt64 = 600_000,
    evictionLogLength: Int = 4096
  ) {
    self.capacityBytes = capacityBytes
    self.slabBytes = slabBytes
    self.policy = policy
    self.defaultQuotaBytes = defaultQuotaBytes
    self.namespaceLimit = namespaceLimit
    self.leaseLimit = leaseLimit
    self.longestLeaseMilliseconds = longestLeaseMilliseconds
    self.evictionLogLength = evictionLogLength
  }

  /// Checks every setting's range.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting.
  package func validate() throws(MeshError) {
    let granularity = SizeClass.granularityBytes
    guard (granularity...1 << 32).contains(slabBytes), slabBytes % granularity == 0 else {
      throw .invalid("slabBytes", "must be a multiple of 4096 in 4096...2^32, got \(slabBytes)")
    }
    guard (slabBytes...1 << 44).contains(capacityBytes), capacityBytes % slabBytes == 0 else {
      throw .invalid(
        "capacityBytes",
        "must be a multiple of slabBytes = \(slabBytes) up to 2^44, got \(capacityBytes)"
      )
    }
    guard capacityBytes / granularity < Int(Int32.max) else {
      throw .invalid("capacityBytes", "must be below 2^31 blocks of 4096, got \(capacityBytes)")
    }
    if let defaultQuotaBytes, defaultQuotaBytes < 0 {
      throw .invalid("defaultQuotaBytes", "must be at least 0, got \(defaultQuotaBytes)")
    }
    for (name, value) in [
      ("namespaceLimit", namespaceLimit), ("leaseLimit", leaseLimit),
      ("evictionLogLength", evictionLogLength),
    ] {
      guard (1...1 << 24).contains(value) else {
        throw .invalid(name, "must be in 1...2^24, got \(value)")
      }
    }
  }
}
