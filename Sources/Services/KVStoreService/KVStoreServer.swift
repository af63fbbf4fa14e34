import GRPCCore
package import Logging
import MeshProtos
package import MeshRuntime
package import MeshTypes
package import SegmentStore
package import ServiceLifecycle
import TieredStore

/// The KV store service as a process.
package struct KVStoreServer {
  /// Opens the place of the segments.
  package typealias OpenDevice =
    @Sendable (DiskSettings) throws(MeshError) -> any SegmentDevice

  /// What to run, in starting order.
  package let services: [any Service]
  /// The server, for its bound address and health.
  package let server: MeshServer

  /// Maps the memory, reads what is on disk, which may take seconds, and wires the server; nothing
  /// listens yet.
  ///
  /// - Parameters:
  ///   - openDevice: Where the segments are.
  ///   - milliseconds: The time on a scale that never goes back, for leases.
  /// - Throws: ``MeshError`` `resourceExhausted` if there is no memory, else what the SSD tier
  ///   cannot be opened for.
  package init(
    settings: KVStoreSettings,
    logger: Logger,
    openDevice: @escaping OpenDevice = { settings throws(MeshError) in
      try SegmentDirectory(path: settings.directory, reading: settings.reading.ofDirectory)
    },
    milliseconds: @escaping @Sendable () -> UInt64 = Self.elapsedMilliseconds()
  ) async throws(MeshError) {
    let opener = StoreOpener()
    let memory = try await opener.map(settings.memory)
    var disk: DiskTier?
    if let diskSettings = settings.disk {
      let segments = try await opener.open(diskSettings, openDevice, logger)
      disk = DiskTier(
        segments: segments,
        settings: diskSettings,
        queueBytes: max(
          min(64 << 20, settings.memory.capacityBytes / 8),
          2 * settings.maxBlockBytes
        )
      )
    }
    let store = BlockStore(memory: memory, disk: disk, settings: settings, now: milliseconds)
    let health = HealthService(services: [
      Weft_Kvstore_V1_KVStoreService.descriptor.fullyQualifiedService
    ])
    health.markServing()
    server = MeshServer(
      settings: settings.server,
      services: [BlockRPC(store: store)],
      health: health,
      logger: logger
    )
    logger.info(
      "store ready",
      metadata: [
        "memory-bytes": "\(settings.memory.capacityBytes)",
        "huge-pages": "\(memory.arena.usesHugePages)",
        "policy": "\(settings.memory.policy.rawValue)",
        "disk-reads": "\(disk.map { $0.usesRing ? "io-uring" : "pread" } ?? "none")",
      ]
    )
    guard let disk else {
      services = [server]
      return
    }
    services = [
      DiskWriter(store: store, disk: disk, logger: logger), Prefetcher(store: store), server,
    ]
  }

  /// Milliseconds since this call.
  package static func elapsedMilliseconds() -> @Sendable () -> UInt64 {
    let start = ContinuousClock.now
    return { UInt64((ContinuousClock.now - start) / .milliseconds(1)) }
  }
}

/// Maps the memory and opens the segments, on a thread that may wait for both.
private actor StoreOpener {
  private let executor = DedicatedThreadExecutor(label: "weft.kvstore.open")

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Takes all memory at once: a store that is full later has no more than it has now.
  func map(_ configuration: MemoryTierConfiguration) throws(MeshError) -> MemoryStore {
    try MemoryStore(configuration: configuration, isResident: true)
  }

  func open(
    _ settings: DiskSettings,
    _ openDevice: KVStoreServer.OpenDevice,
    _ logger: Logger
  ) throws(MeshError) -> SegmentStore {
    let start = ContinuousClock.now
    var logged = start
    let segments = try SegmentStore(
      settings: settings.segments,
      device: try openDevice(settings),
      progress: { progress in
        guard .now - logged >= .seconds(1) else { return }
        logged = .now
        logger.info("reading segments", metadata: Self.metadata(progress))
      }
    )
    let statistics = segments.statistics
    logger.info(
      "segments read",
      metadata: [
        "directory": "\(settings.directory)", "segments": "\(statistics.segments)",
        "blocks": "\(statistics.records)", "bytes": "\(statistics.occupiedBytes)",
        "unreadable-segments": "\(statistics.unreadableSegments)",
        "seconds": "\((.now - start) / .seconds(1))", "writes": "\(settings.writes.rawValue)",
      ]
    )
    return segments
  }

  private static func metadata(_ progress: RecoveryProgress) -> Logger.Metadata {
    [
      "segments": "\(progress.segments) of \(progress.segmentsInTotal)",
      "blocks": "\(progress.records)", "bytes": "\(progress.bytes)",
    ]
  }
}
