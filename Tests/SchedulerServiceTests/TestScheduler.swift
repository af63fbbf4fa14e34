import GRPCCore
import GRPCCoreTransport
import MeshProtos
import MeshTypes
import SchedulerService
import ServiceTesting
import SwiftProtobuf
import Synchronization

/// A scheduler service with a client, to which fake workers are joined.
struct TestScheduler: Sendable {
  let client: Weft_Scheduler_V1_SchedulerService.Client<CoreClientTransport>

  /// Runs `body` with a scheduler of its own.
  static func with<Result: Sendable>(
    _ flags: [String: String] = [:],
    clock: SchedulerClock = .monotonic(),
    _ body: (TestScheduler) async throws -> Result
  ) async throws -> Result {
    let server = try SchedulerServer(
      settings: try await SchedulerServiceSettings(try await settings(flags)),
      firstEpoch: Epoch(1),
      clock: clock,
      logger: .silent
    )
    return try await withRunning(server.server) { client in
      try await body(
        TestScheduler(client: Weft_Scheduler_V1_SchedulerService.Client(wrapping: client))
      )
    }
  }

  /// Runs `body` while `worker` serves and is a member.
  ///
  /// `leave` ends the membership in good order.
  func withWorker<Result: Sendable>(
    _ name: String,
    _ worker: FakeWorker,
    _ capabilities: Weft_Scheduler_V1_Capabilities = .fake(),
    _ body: (_ leave: @Sendable () -> Void) async throws -> Result
  ) async throws -> Result {
    let (leaving, continuation) = AsyncStream.makeStream(of: Void.self)
    return try await withServer([worker]) { _, address in
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          try await client.join { writer in
            try await writer.write(
              .with {
                $0.worker = name
                $0.address = "\(address)"
                $0.capabilities = capabilities
              }
            )
            for await _ in leaving {}
          } onResponse: { response in
            for try await _ in response.messages {}
          }
        }
        try await waitForStatus { $0.workers.contains { $0.worker == name } }
        let result = try await body { continuation.finish() }
        group.cancelAll()
        while await group.nextResult() != nil {}
        return result
      }
    }
  }

  /// Asks to join and returns the refusal.
  ///
  /// - Parameter stays: Whether the membership is to last until it fails.
  func refusal(
    of request: Weft_Scheduler_V1_JoinRequest,
    stays: Bool = false
  ) async throws -> RPCError {
    try await rpcError {
      try await client.join(options: .bounded) { writer in
        try await writer.write(request)
        // Ends when the call does.
        if stays { for await _ in AsyncStream<Never>.makeStream().stream {} }
      } onResponse: { response in
        for try await _ in response.messages {}
      }
    }
  }

  func status() async throws -> Weft_Scheduler_V1_GetStatusResponse {
    try await client.getStatus(.init(), options: .bounded)
  }

  func waitForStatus(
    _ condition: (Weft_Scheduler_V1_GetStatusResponse) -> Bool
  ) async throws {
    try await eventually { condition(try await status()) }
  }

  /// One sequence's outcome.
  struct Outcome: Sendable {
    var tokenIDs: [UInt32] = []
    /// Of which token each entry of the logprobs is.
    var logprobIDs: [UInt32] = []
    var messages = 0
    var finish: Weft_Scheduler_V1_Finish?
  }

  /// Runs a sequence to its end.
  func generate(
    _ request: Weft_Scheduler_V1_GenerateRequest,
    options: CallOptions = .bounded
  ) async throws -> Outcome {
    try await client.generate(request, options: options) { response in
      var outcome = Outcome()
      for try await message in response.messages {
        outcome.messages += 1
        outcome.tokenIDs += message.tokenIds
        outcome.logprobIDs += message.logprobs.map(\.token.tokenID)
        if message.hasFinish { outcome.finish = message.finish }
      }
      return outcome
    }
  }

  /// Runs `count` sequences at once and compares each with what it has to be.
  ///
  /// - Returns: The sequences whose tokens differ.
  func wrongSequences(among count: UInt32, maxTokens: Int32) async throws -> [UInt32] {
    try await withThrowingTaskGroup(of: UInt32?.self) { group in
      for index in 0..<count {
        group.addTask {
          let prompt = (0...index).map { $0 + 10 }
          let outcome = try await generate(
            .with {
              $0.promptTokenIds = prompt
              $0.maxTokens = maxTokens
            }
          )
          let expected = FakeModel.continuation(of: prompt, count: Int(maxTokens))
          return outcome.tokenIDs == expected && outcome.finish?.reason == .length ? nil : index
        }
      }
      return try await group.reduce(into: []) { if let wrong = $1 { $0.append(wrong) } }
    }
  }
}
