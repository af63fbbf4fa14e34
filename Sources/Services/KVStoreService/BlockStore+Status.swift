import MeshProtos
import SegmentStore
import SwiftProtobuf
import TieredStore

extension BlockStore {
  /// The store as it is now.
  func status() -> Weft_Kvstore_V1_GetStatusResponse {
    let now = now()
    let statistics = memory.withTier { tier in
      tier.expireLeases(nowMilliseconds: now)
      return tier.statistics
    }
    return .with {
      $0.memory = memoryStatus(statistics)
      if let disk { $0.disk = disk.status }
      $0.namespaces = statistics.namespaces.map { .init($0) }.sorted { $0.namespace < $1.namespace }
    }
  }

  private func memoryStatus(
    _ statistics: MemoryTierStatistics
  ) -> Weft_Kvstore_V1_MemoryTierStatus {
    .with {
      $0.capacityBytes = UInt64(statistics.capacityBytes)
      $0.usedBytes = UInt64(statistics.usedBytes)
      $0.slabBytes = UInt64(statistics.slabBytes)
      $0.blocks = UInt64(statistics.blockCount)
      $0.leases = UInt64(statistics.leaseCount)
      $0.hitsTotal = counters.memoryHits
      $0.missesTotal = counters.missCount
      $0.storedTotal = statistics.counters.storedCount
      $0.evictedTotal = statistics.counters.evictionCounts.values.reduce(0, +)
      $0.refusedTotal = statistics.counters.exhaustedCount + statistics.counters.overQuotaCount
      $0.corruptedTotal = statistics.counters.corruptedCount
      $0.readBytesTotal = counters.readBytes
      $0.writtenBytesTotal = counters.writtenBytes
      $0.readBytesPerSecond = UInt64(memorySpeed.measured ?? 0)
    }
  }
}

extension DiskTier {
  fileprivate var status: Weft_Kvstore_V1_SegmentTierStatus {
    let statistics = segments.statistics
    return .with {
      $0.capacityBytes = UInt64(segments.settings.capacityBytes)
      $0.usedBytes = UInt64(statistics.occupiedBytes)
      $0.blocks = UInt64(statistics.records)
      $0.segments = UInt64(statistics.segments)
      $0.hitsTotal = UInt64(statistics.hits)
      $0.storedTotal = UInt64(statistics.stored)
      $0.writtenBytesTotal = UInt64(statistics.writtenBytes)
      $0.declinedTotal = UInt64(statistics.notAdmitted)
      $0.droppedTotal = queue.droppedCount
      $0.refusedFullTotal = UInt64(statistics.refusedFull)
      $0.refusedFailedTotal = UInt64(statistics.refusedFailed)
      $0.corruptedTotal = UInt64(statistics.corruptRecords)
      $0.readErrorsTotal = UInt64(statistics.readErrors)
      $0.evictedTotal = UInt64(statistics.evictedRecords)
      $0.readBytesPerSecond = UInt64(bytesPerSecond ?? 0)
      $0.queuedReads = UInt64(queuedReads)
    }
  }
}

extension Weft_Kvstore_V1_NamespaceStatus {
  fileprivate init(_ statistics: NamespaceStatistics) {
    self = .with {
      $0.namespace = statistics.name
      if statistics.quotaBytes != .max { $0.quotaBytes = UInt64(statistics.quotaBytes) }
      $0.usedBytes = UInt64(statistics.usedBytes)
      $0.pinnedBytes = UInt64(statistics.pinnedBytes)
      $0.blocks = UInt64(statistics.blockCount)
    }
  }
}
