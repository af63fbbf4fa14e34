import BlockCache
import MeshTypes
import TestSupport
import Testing
import TieredStore

extension BlockKey {
  /// A key that depends on the number alone.
  static func numbered(_ number: Int) -> BlockKey {
    var generator = SeededGenerator(seed: UInt64(bitPattern: Int64(number)))
    let bytes = (0..<BlockKey.byteCount).map { _ in
      UInt8(truncatingIfNeeded: generator.next())
    }
    guard let key = BlockKey(bytes: bytes) else { preconditionFailure("a key has 32 bytes") }
    return key
  }
}

extension MemoryTierConfiguration {
  /// Slabs of 64 KiB, each room for sixteen blocks of up to 4096 bytes.
  static func small(
    slabs: Int = 2,
    policy: EvictionPolicyKind = .lru,
    quotaBytes: Int? = nil
  ) -> Self {
    Self(
      capacityBytes: slabs << 16,
      slabBytes: 1 << 16,
      policy: policy,
      defaultQuotaBytes: quotaBytes,
      longestLeaseMilliseconds: 1000,
      evictionLogLength: 8
    )
  }
}

extension MemoryTier {
  /// Reserves and publishes at once.
  ///
  /// - Returns: The blocks that went, nil when there was no room or the key is here.
  mutating func store(
    _ number: Int,
    in namespace: NamespaceID,
    byteCount: Int = 4096,
    now: UInt64 = 0
  ) throws -> [Eviction]? {
    var evictions: [Eviction] = []
    let outcome = try reserve(
      namespace,
      .numbered(number),
      byteCount: byteCount,
      nowMilliseconds: now,
      evictions: &evictions
    )
    switch outcome {
    case .reserved(let extent):
      #expect(publish(extent.handle, checksum: UInt32(number)) == .published)
      return evictions
    case .present(let extent):
      release(extent.handle)
      return nil
    case .exhausted, .overQuota:
      return nil
    }
  }

  /// Reserves, and expects that this works.
  mutating func reserved(
    _ number: Int,
    in namespace: NamespaceID,
    byteCount: Int = 4096
  ) throws -> BlockExtent {
    var evictions: [Eviction] = []
    let outcome = try reserve(
      namespace,
      .numbered(number),
      byteCount: byteCount,
      nowMilliseconds: 0,
      evictions: &evictions
    )
    guard case .reserved(let extent) = outcome else {
      throw MeshError(.internalError, "no room for \(number): \(outcome)")
    }
    return extent
  }

  /// Whether the block can be found.
  func has(_ number: Int, in namespace: NamespaceID) throws -> Bool {
    try longestPrefix(of: [.numbered(number)], in: namespace).blockCount == 1
  }
}

/// The code of the ``MeshError`` that `body` throws, nil when it throws none.
func errorCode(_ body: () throws -> Void) -> MeshError.Code? {
  do {
    try body()
    return nil
  } catch let error as MeshError {
    return error.code
  } catch {
    return nil
  }
}
