package import MeshProtos

/// The mesh as its scheduler and its stores tell it.
package struct MeshView {
  package var scheduler: Weft_Scheduler_V1_GetStatusResponse
  /// nil: it did not answer.
  package var stores: [(address: String, status: Weft_Kvstore_V1_GetStatusResponse?)]

  package init(
    scheduler: Weft_Scheduler_V1_GetStatusResponse,
    stores: [(address: String, status: Weft_Kvstore_V1_GetStatusResponse?)]
  ) {
    self.scheduler = scheduler
    self.stores = stores
  }

  /// For people.
  package var table: String {
    let lines = sequenceLines + workerLines + (stores.isEmpty ? [] : storeLines + decisionLines)
    return lines.joined(separator: "\n") + "\n"
  }

  private var sequenceLines: [String] {
    [
      "sequences: \(scheduler.runningSequences) running, \(scheduler.waitingSequences) waiting, "
        + "\(scheduler.preemptionsTotal) preemptions" + draftText,
      "",
    ]
  }

  private var draftText: String {
    let (drafted, accepted) = (scheduler.draftedTokensTotal, scheduler.acceptedDraftTokensTotal)
    return drafted > 0 ? ", \(accepted) of \(drafted) guessed tokens right" : ""
  }

  private var workerLines: [String] {
    var rows = [
      [
        "WORKER", "RUNNING", "FREE", "BLOCKS", "STEPS", "IDLE", "PREFILL", "DECODE", "TOKEN",
        "LOAD", "MEM", "DISK",
      ]
    ]
    for worker in scheduler.workers {
      let estimate = scheduler.store.estimates.first { $0.worker == worker.worker }
      rows.append([
        worker.worker, "\(worker.runningSequences)", "\(worker.freeBlocks)",
        "\(worker.capabilities.blockCount)", "\(worker.stepsTotal)", Self.idle(worker),
        Self.tokens(worker.capabilities.prefillTokensPerSecond),
        Self.tokens(worker.capabilities.decodeTokensPerSecond),
        estimate.map { "\(Int($0.microsecondsPerToken)) us" } ?? "-",
        estimate.map { "\(Int($0.loadLatencyMicroseconds)) us" } ?? "-",
        estimate.map { Self.speed($0.memoryBytesPerSecond) } ?? "-",
        estimate.map { Self.speed($0.diskBytesPerSecond) } ?? "-",
      ])
    }
    return Self.aligned(rows) + [""]
  }

  private var storeLines: [String] {
    var rows = [["STORE", "MEM USED", "OF", "BLOCKS", "HITS", "MISSES", "DISK USED", "BLOCKS"]]
    for store in stores {
      guard let status = store.status else {
        rows.append([store.address, "lost", "-", "-", "-", "-", "-", "-"])
        continue
      }
      rows.append([
        store.address, Self.size(status.memory.usedBytes), Self.size(status.memory.capacityBytes),
        "\(status.memory.blocks)", "\(status.memory.hitsTotal)", "\(status.memory.missesTotal)",
        status.hasDisk ? Self.size(status.disk.usedBytes) : "-",
        status.hasDisk ? "\(status.disk.blocks)" : "-",
      ])
    }
    return Self.aligned(rows) + [""]
  }

  private var decisionLines: [String] {
    let store = scheduler.store
    let decisions = store.decisions.map { "\($0.action) (\($0.reason)) \($0.total)" }
    return [
      "tokens: \(store.queriedTokensTotal) asked for, \(store.foundTokensTotal) found, "
        + "\(store.fetchedTokensTotal) fetched, \(store.failedTokensTotal) not got",
      "swaps: \(store.swapOutsTotal) out, \(store.swapInsTotal) in; "
        + "\(store.storedBlocksTotal) blocks stored; lookups: \(store.lookupsTotal), "
        + "\(store.failedLookupsTotal) without an answer",
      "decided: \(decisions.isEmpty ? "nothing yet" : decisions.joined(separator: ", "))",
    ]
  }

  /// The share of time in which sequences waited for a step to begin.
  private static func idle(_ worker: Weft_Scheduler_V1_WorkerStatus) -> String {
    let idle = Double(worker.idleMicrosecondsTotal)
    let total = idle + Double(worker.computeMicrosecondsTotal)
    guard total > 0 else { return "-" }
    let tenths = Int((1000 * idle / total).rounded())
    return "\(tenths / 10).\(tenths % 10) %"
  }

  /// As measured when the worker started.
  private static func tokens(_ perSecond: Double) -> String {
    perSecond > 0 ? "\(Int(min(perSecond, 1e12)))/s" : "-"
  }

  private static func size(_ bytes: UInt64) -> String { "\(bytes >> 20) MiB" }

  private static func speed(_ bytesPerSecond: Double) -> String {
    bytesPerSecond > 0 ? "\(Int(min(bytesPerSecond, 1e15) / 1e6)) MB/s" : "-"
  }

  /// Columns as wide as their widest cell; the first to the left, the others to the right.
  private static func aligned(_ rows: [[String]]) -> [String] {
    let widths = (rows.first ?? []).indices.map { column in
      rows.map { $0[column].count }.max() ?? 0
    }
    return rows.map { row in
      row.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        return column == 0 ? row[column] + padding : padding + row[column]
      }.joined(separator: "  ")
    }
  }
}
