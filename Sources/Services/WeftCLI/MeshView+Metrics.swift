import MeshProtos

/// Prometheus' text format: https://prometheus.io/docs/instrumenting/exposition_formats
extension MeshView {
  /// Every figure as a metric.
  package var metrics: String {
    var text = ""
    func add(_ name: String, _ type: String, _ samples: [(labels: String, value: Double)]) {
      guard !samples.isEmpty else { return }
      text += "# TYPE \(name) \(type)\n"
      for sample in samples { text += "\(name)\(sample.labels) \(sample.value)\n" }
    }
    func gauge(_ name: String, _ value: UInt32) { add(name, "gauge", [("", Double(value))]) }
    func counter(_ name: String, _ value: UInt64) { add(name, "counter", [("", Double(value))]) }
    gauge("weft_scheduler_running_sequences", scheduler.runningSequences)
    gauge("weft_scheduler_waiting_sequences", scheduler.waitingSequences)
    counter("weft_scheduler_preemptions_total", scheduler.preemptionsTotal)
    counter("weft_scheduler_drafted_tokens_total", scheduler.draftedTokensTotal)
    counter("weft_scheduler_accepted_draft_tokens_total", scheduler.acceptedDraftTokensTotal)
    counter("weft_scheduler_copied_tails_total", scheduler.copiedTailsTotal)
    counter("weft_scheduler_copied_tokens_total", scheduler.copiedTokensTotal)
    for (name, speed) in Self.workerSpeeds {
      let measured = scheduler.workers.filter { speed($0.capabilities) > 0 }
      add(
        "weft_worker_\(name)",
        "gauge",
        measured.map { (Self.labels(["worker": $0.worker]), speed($0.capabilities)) }
      )
    }
    for (name, figure) in Self.workerFigures {
      add(
        "weft_worker_\(name)",
        "counter",
        scheduler.workers.map { (Self.labels(["worker": $0.worker]), Double(figure($0))) }
      )
    }
    let store = scheduler.store
    counter("weft_scheduler_store_lookups_total", store.lookupsTotal)
    counter("weft_scheduler_store_failed_lookups_total", store.failedLookupsTotal)
    counter("weft_scheduler_store_queried_tokens_total", store.queriedTokensTotal)
    counter("weft_scheduler_store_found_tokens_total", store.foundTokensTotal)
    counter("weft_scheduler_store_fetched_tokens_total", store.fetchedTokensTotal)
    counter("weft_scheduler_store_failed_tokens_total", store.failedTokensTotal)
    counter("weft_scheduler_store_swap_outs_total", store.swapOutsTotal)
    counter("weft_scheduler_store_swap_ins_total", store.swapInsTotal)
    counter("weft_scheduler_store_stored_blocks_total", store.storedBlocksTotal)
    add(
      "weft_scheduler_store_decisions_total",
      "counter",
      store.decisions.map {
        (Self.labels(["action": $0.action, "reason": $0.reason]), Double($0.total))
      }
    )
    func estimates(
      _ name: String,
      _ value: KeyPath<Weft_Scheduler_V1_TransferEstimate, Double>
    ) {
      add(
        "weft_scheduler_transfer_\(name)",
        "gauge",
        store.estimates.map { (Self.labels(["worker": $0.worker]), $0[keyPath: value]) }
      )
    }
    estimates("microseconds_per_token", \.microsecondsPerToken)
    estimates("microseconds_per_context_token", \.microsecondsPerContextToken)
    estimates("load_latency_microseconds", \.loadLatencyMicroseconds)
    estimates("memory_bytes_per_second", \.memoryBytesPerSecond)
    estimates("disk_bytes_per_second", \.diskBytesPerSecond)
    add(
      "weft_kvstore_up",
      "gauge",
      stores.map { (Self.labels(["store": $0.address]), $0.status == nil ? 0 : 1) }
    )
    for (name, type, value) in Self.storeFigures {
      add(
        "weft_kvstore_\(name)",
        type,
        stores.compactMap { store in
          store.status.map { (Self.labels(["store": store.address]), Double(value($0))) }
        }
      )
    }
    return text
  }

  private static let workerSpeeds:
    [(String, @Sendable (Weft_Scheduler_V1_Capabilities) -> Double)] = [
      ("prefill_tokens_per_second", { $0.prefillTokensPerSecond }),
      ("decode_tokens_per_second", { $0.decodeTokensPerSecond }),
    ]

  private static let workerFigures:
    [(String, @Sendable (Weft_Scheduler_V1_WorkerStatus) -> UInt64)] = [
      ("steps_total", { $0.stepsTotal }),
      ("compute_microseconds_total", { $0.computeMicrosecondsTotal }),
      ("idle_microseconds_total", { $0.idleMicrosecondsTotal }),
    ]

  private typealias Status = Weft_Kvstore_V1_GetStatusResponse

  private static let storeFigures: [(String, String, @Sendable (Status) -> UInt64)] = [
    ("memory_capacity_bytes", "gauge", { $0.memory.capacityBytes }),
    ("memory_used_bytes", "gauge", { $0.memory.usedBytes }),
    ("memory_blocks", "gauge", { $0.memory.blocks }),
    ("leases", "gauge", { $0.memory.leases }),
    ("memory_hits_total", "counter", { $0.memory.hitsTotal }),
    ("misses_total", "counter", { $0.memory.missesTotal }),
    ("stored_total", "counter", { $0.memory.storedTotal }),
    ("memory_evicted_total", "counter", { $0.memory.evictedTotal }),
    ("refused_total", "counter", { $0.memory.refusedTotal }),
    ("memory_corrupted_total", "counter", { $0.memory.corruptedTotal }),
    ("read_bytes_total", "counter", { $0.memory.readBytesTotal }),
    ("written_bytes_total", "counter", { $0.memory.writtenBytesTotal }),
    ("disk_used_bytes", "gauge", { $0.disk.usedBytes }),
    ("disk_blocks", "gauge", { $0.disk.blocks }),
    ("disk_hits_total", "counter", { $0.disk.hitsTotal }),
    ("disk_stored_total", "counter", { $0.disk.storedTotal }),
    ("disk_declined_total", "counter", { $0.disk.declinedTotal }),
    ("disk_dropped_total", "counter", { $0.disk.droppedTotal }),
    ("disk_refused_full_total", "counter", { $0.disk.refusedFullTotal }),
    ("disk_refused_failed_total", "counter", { $0.disk.refusedFailedTotal }),
    ("disk_corrupted_total", "counter", { $0.disk.corruptedTotal }),
    ("disk_read_errors_total", "counter", { $0.disk.readErrorsTotal }),
    ("disk_evicted_total", "counter", { $0.disk.evictedTotal }),
  ]

  private static func labels(_ labels: KeyValuePairs<String, String>) -> String {
    let pairs = labels.map { name, value in
      let escaped = value.reduce(into: "") { text, character in
        switch character {
        case "\\": text += "\\\\"
        case "\"": text += "\\\""
        case "\n": text += "\\n"
        default: text.append(character)
        }
      }
      return "\(name)=\"\(escaped)\""
    }
    return "{\(pairs.joined(separator: ","))}"
  }
}
