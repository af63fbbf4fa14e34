import MeshTypes

/// Prefill and decode in pools of their own: a sequence begins on a worker for prompts, and goes on,
/// through the KV store, on one for decoding.
extension SchedulerCore {
  /// Whether the worker is for what the sequence needs next, or nobody else is.
  func suits(_ worker: Int, _ slot: Int) -> Bool {
    isMeant(worker, for: slot)
      || !workers.indices.contains {
        isMeant($0, for: slot) && !workers[$0].isDraining
          && sequences[slot].fits(workers[$0].capabilities)
      }
  }

  private func isMeant(_ worker: Int, for slot: Int) -> Bool {
    let isPrefilled = sequences[slot].tokenIDs.count > sequences[slot].promptTokenCount
    return switch workers[worker].capabilities.role {
    case .everything: true
    case .prefill: !isPrefilled
    case .decode: isPrefilled
    }
  }

  /// Sends a sequence on whose prompt has been computed, if it runs on a worker for prompts and
  /// there is one for decoding.
  mutating func handOver(_ slot: Int, from worker: Int) {
    guard workers[worker].capabilities.role == .prefill, !suits(worker, slot) else { return }
    counters.handovers += 1
    requeue(slot)
  }
}
