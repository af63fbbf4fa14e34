package import BlockCache
package import Logging
import MeshProtos
import ServiceLifecycle
import SwiftProtobuf
import Synchronization

/// The KV store as its users see it: one client of many replicas.
///
/// Nothing here throws and nothing takes long: what a replica does not answer in time is a miss, and
/// a replica that has failed is not asked for a while. Calls may be made before ``run()``.
package final class StoreCluster: Service {
  /// How it was made.
  package let settings: StoreClusterSettings
  let placement: StorePlacement
  let replicas: [StoreReplica]
  let now: @Sendable () -> ContinuousClock.Instant
  let logger: Logger
  let counts = Mutex(StoreClusterStatistics())

  /// Creates a client.
  ///
  /// - Parameters:
  ///   - settings: The replicas; at least one.
  ///   - now: Tells the time, by which replicas that have failed are asked again.
  package init(
    settings: StoreClusterSettings,
    logger: Logger,
    now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
  ) {
    self.settings = settings
    self.logger = logger
    self.now = now
    placement = StorePlacement(names: settings.addresses.map { "\($0)" })
    replicas = settings.addresses.map {
      StoreReplica(
        address: $0,
        connectTimeout: settings.connectTimeout,
        now: now,
        logger: logger
      )
    }
  }

  /// Keeps the connections until graceful shutdown.
  package func run() async throws {
    try await withThrowingDiscardingTaskGroup { group in
      for replica in replicas { group.addTask { try await replica.run() } }
    }
  }

  /// What it has done so far, and which replicas answer.
  package var statistics: StoreClusterStatistics {
    var statistics = counts.withLock(\.self)
    statistics.availableReplicas = replicas.count { $0.isAvailable }
    return statistics
  }

  /// The most keys of one call; what goes beyond is left out.
  package static let maximumKeys = 65_536
}

extension StoreCluster {
  /// How much of a list of keys is there, from the first one on.
  ///
  /// - Parameter prefetch: Whether ``get(_:in:deadline:receive:)`` will follow: blocks on disk are
  ///   brought to memory meanwhile.
  package func lookup(
    _ keys: [BlockKey],
    in namespace: String,
    prefetch: Bool = false
  ) async -> StorePrefix {
    let keys = Array(keys.prefix(Self.maximumKeys))
    guard !keys.isEmpty else { return StorePrefix() }
    let places = placement.places(of: keys)
    let matches = await withTaskGroup(of: (Int, ReplicaMatch?).self) { group in
      for (index, places) in places.enumerated() where !places.isEmpty {
        group.addTask {
          (index, await self.match(keys, places, in: namespace, prefetch, on: self.replicas[index]))
        }
      }
      return await group.reduce(into: [Int: ReplicaMatch]()) { $0[$1.0] = $1.1 }
    }
    let asked = places.indices.filter { !places[$0].isEmpty }
    let prefix = StorePrefix(
      asked.map { matches[$0] ?? ReplicaMatch(unanswered: places[$0]) },
      keyCount: keys.count,
      isComplete: asked.allSatisfy { matches[$0] != nil }
    )
    counts.withLock { counts in
      counts.lookups += 1
      if !prefix.isComplete { counts.incompleteLookups += 1 }
    }
    return prefix
  }

  private func match(
    _ keys: [BlockKey],
    _ places: [Int],
    in namespace: String,
    _ prefetch: Bool,
    on replica: StoreReplica
  ) async -> ReplicaMatch? {
    let request = Weft_Kvstore_V1_LookupRequest.with {
      $0.namespace = namespace
      $0.keyLists = [places.map { keys[$0] }.wireBytes]
      $0.prefetch = prefetch
    }
    let match = await replica.ask { store in
      let response = try await store.lookup(
        request,
        options: StoreReplica.options(timeout: settings.lookupTimeout)
      )
      return ReplicaMatch(response, places: places)
    }
    return match ?? nil
  }
}
