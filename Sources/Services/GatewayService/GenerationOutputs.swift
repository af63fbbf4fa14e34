import MeshRuntime
import MeshTypes
import Synchronization

/// Runs all outputs of a request side by side, each a sequence and a stream of its own, and sends the
/// parts of all to one client.
///
/// The first output that fails ends the others. No more than one part waits for the client.
struct GenerationOutputs: Sendable {
  /// The stream of the request; those of its outputs are made of it.
  let stream: GenerationStream

  private var request: GenerationRequest { stream.request }

  /// Streams until the end of all outputs; the last part of each carries its finish.
  ///
  /// - Parameter send: Delivers a part to the client; may wait, and is called for one part at a time.
  /// - Throws: As ``GenerationStream/run(_:)``, for whichever output fails first.
  func run(_ send: @escaping @Sendable (GenerationPart) async throws -> Void) async throws {
    if request.ranksOutputs {
      try await sendBest(send)
    } else if request.outputCount == 1 {
      try await stream.run(send)
    } else {
      try await interleave(send)
    }
  }

  /// Sends the parts of all outputs as they come.
  private func interleave(
    _ send: @escaping @Sendable (GenerationPart) async throws -> Void
  ) async throws {
    let parts = BoundedChannel<GenerationPart>(capacity: 1)
    try await withThrowingTaskGroup(of: Void.self) { group in
      defer { parts.close() }
      group.addTask {
        defer { parts.finish() }
        try await runOutputs { part in
          guard await parts.send(part) else { throw CancellationError() }
        }
      }
      while let part = await parts.next() { try await send(part) }
      try await group.waitForAll()
    }
  }

  /// Waits for all outputs, and sends those that are likeliest, one after the other.
  private func sendBest(
    _ send: @escaping @Sendable (GenerationPart) async throws -> Void
  ) async throws {
    let candidates = Mutex((0..<request.candidateCount).map { OutputCandidate(index: $0) })
    try await runOutputs { part in candidates.withLock { $0[part.index].append(part) } }
    let best = OutputCandidate.best(request.outputCount, of: candidates.withLock { $0 })
    for (rank, candidate) in best.enumerated() {
      for var part in candidate.parts {
        part.index = rank
        if request.sampling.logprobs == nil { part.logprobs = [] }
        try await send(part)
      }
    }
  }

  /// Runs all outputs, and ends all when one has failed.
  ///
  /// - Parameter take: Takes a part of any; called from several tasks.
  private func runOutputs(
    _ take: @escaping @Sendable (GenerationPart) async throws -> Void
  ) async throws {
    try await withThrowingTaskGroup(of: Void.self) { outputs in
      for index in 0..<request.candidateCount {
        var output = stream
        output.request = request.output(index)
        outputs.addTask { [output] in
          try await output.run { part in
            var part = part
            part.index = index
            try await take(part)
          }
        }
      }
      while try await outputs.next() != nil {}
    }
  }
}
