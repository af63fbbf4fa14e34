import BlockCache
import Checksum
import Logging
import MeshRuntime
import MeshTypes
import SegmentStore
import ServiceLifecycle
import TieredStore

/// Writes queued blocks to disk until the process is asked to stop, then what is left.
struct DiskWriter: Service {
  let store: BlockStore
  let disk: DiskTier
  let logger: Logger
  private let thread: WritingThread

  init(store: BlockStore, disk: DiskTier, logger: Logger) {
    self.store = store
    self.disk = disk
    self.logger = logger
    thread = WritingThread(disk: disk)
  }

  func run() async throws {
    await withGracefulShutdownHandler {
      for await _ in disk.queue.signals { await thread.writeAll() }
    } onGracefulShutdown: {
      disk.queue.close()
    }
    await drain()
  }

  /// Writes what is queued, and where blocks are written when they leave memory, all of memory.
  private func drain() async {
    await thread.writeAll()
    if disk.writes == .writeBack {
      while store.demote(atLeastBytes: disk.queue.limitBytes) > 0 { await thread.writeAll() }
    }
    do {
      try await thread.sync()
    } catch {
      logger.error("segments may not survive a loss of power", metadata: ["error": "\(error)"])
    }
  }
}

/// The thread that writes.
private actor WritingThread {
  private let executor = DedicatedThreadExecutor(label: "weft.kvstore.write")
  private let disk: DiskTier

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  init(disk: DiskTier) { self.disk = disk }

  func writeAll() {
    while let (key, block) = disk.queue.next() {
      block.withBytes { payload in
        // What was damaged in memory must not get a new checksum on disk.
        guard CRC32C.checksum(payload) == block.checksum else { return }
        // Refusals are counted by the store; a block that is too long was never taken.
        _ = try? disk.segments.insert(key, payload)
      }
      if !disk.queue.finish(key, block) { disk.segments.remove(key) }
    }
  }

  func sync() throws { try disk.segments.sync() }
}
