import FoundationEssentials
import GRPCCore
import GRPCCoreTransport
import Logging
import MeshProtos
import MeshRuntime
import MeshTypes
import SwiftProtobuf

/// Runs one output of a request through the mesh: tokens from the scheduler, through the tokenizer's decoder,
/// to the client.
///
/// The tokens received are kept until the end. If the scheduler or a worker is lost on the way, the
/// prompt and those tokens are submitted again, and the client's stream continues.
struct GenerationStream: Sendable {
  /// What the stream was asked for.
  var request: GenerationRequest
  /// The id in logs and in every service's metadata.
  let requestID: String
  let arrival: ContinuousClock.Instant
  let tokenized: ContinuousClock.Instant
  /// When the request must have ended.
  let deadline: ContinuousClock.Instant
  let tokenizer: Weft_Tokenizer_V1_TokenizerService.Client<CoreClientTransport>
  let cells: SchedulerCells
  let logger: Logger

  /// Streams until the end; the last part carries the finish.
  ///
  /// - Parameter send: Delivers a part to the client; may wait, which slows the stream down.
  /// - Throws: The scheduler's or the tokenizer's `RPCError`, or what `send` throws.
  func run(_ send: @escaping @Sendable (GenerationPart) async throws -> Void) async throws {
    let progress = GenerationProgress()
    do {
      let stop = try await tokenizer.decode(
        metadata: RequestID.metadata(requestID),
        options: callOptions
      ) { writer in
        do {
          try await writer.write(.with { $0.open = decodeOptions })
          try await receiveTokens(progress) { tokenIDs in
            try await writer.write(.with { $0.tokens = .with { $0.ids = tokenIDs } })
          }
        } catch {
          progress.failed(error)
          throw error
        }
      } onResponse: { response in
        for try await part in response.messages {
          if !part.text.isEmpty || !part.tokenIds.isEmpty {
            try await send(
              GenerationPart(
                text: part.text,
                tokenIDs: part.tokenIds,
                logprobs: progress.takeLogprobs(of: part.tokenIds.count)
              )
            )
          }
          if part.hasMatchedStop { return part.matchedStop as String? }
        }
        return nil
      }
      if stop == nil, let failure = progress.snapshot.failure { throw failure }
      try await send(
        GenerationPart(text: "", finish: finish(progress.snapshot, stop: stop))
      )
    } catch {
      let failure = progress.snapshot.failure ?? error
      throw (failure as? RPCError)?.namingClientFields(promptField: request.promptField) ?? failure
    }
  }

  private var callOptions: CallOptions { .waiting(for: remaining) }

  /// The time that is left.
  private var remaining: Duration { max(.zero, ContinuousClock.now.duration(to: deadline)) }

  private var decodeOptions: Weft_Tokenizer_V1_DecodeOptions {
    .with {
      $0.includeSpecialTokens = request.includesSpecialTokens
      $0.stop = request.stop
    }
  }

  /// Receives tokens until a scheduler says that the sequence has ended, submitting it again when
  /// its scheduler became unavailable, or elsewhere when it is full.
  private func receiveTokens(
    _ progress: GenerationProgress,
    _ forward: @Sendable @escaping ([TokenID]) async throws -> Void
  ) async throws {
    var attempts = cells.makeAttempts()
    var generator = SystemRandomNumberGenerator()
    while true {
      do {
        return try await submit(progress, attempts, forward)
      } catch let failure as CellFailure {
        let pause = attempts.pause(after: failure, remaining: remaining, using: &generator)
        guard let pause else { throw failure.error }
        let received = progress.snapshot.receivedTokenIDs.count
        logger.warning(
          "submitting again",
          metadata: ["received-tokens": "\(received)", "error": "\(failure.error.message)"]
        )
        try await Task.sleep(for: pause)
      }
    }
  }

  private func submit(
    _ progress: GenerationProgress,
    _ attempts: CellAttempts,
    _ forward: @Sendable @escaping ([TokenID]) async throws -> Void
  ) async throws {
    let received = progress.snapshot.receivedTokenIDs
    if let reason = ending(of: received) {
      progress.finished(.with { $0.reason = reason })
      return
    }
    let message = Weft_Scheduler_V1_GenerateRequest.with {
      $0.requestID = requestID
      $0.promptTokenIds = request.promptTokenIDs + received
      $0.cacheSalt = Data(request.cacheSalt)
      $0.sampling = request.sampling.message
      if let maxTokens = request.maxTokens { $0.maxTokens = maxTokens - Int32(received.count) }
      $0.stopTokenIds = Array(request.stopTokenIDs)
      $0.generatedTokenCount = UInt32(received.count)
    }
    try await cells.generate(
      message,
      model: request.model,
      attempts: attempts,
      timeout: remaining
    ) { message in
      if !message.tokenIds.isEmpty {
        progress.received(message.tokenIds, message.logprobs, at: .now)
        try await forward(message.tokenIds)
      }
      if message.hasFinish { progress.finished(message.finish) }
      return message.hasFinish
    }
  }

  /// Why a stream with these tokens is over, if it is: a scheduler may be lost between its last
  /// token and the word that it was the last.
  private func ending(of received: [TokenID]) -> Weft_Types_V1_FinishReason? {
    if let last = received.last, request.stopTokenIDs.contains(last) { return .stop }
    if let maxTokens = request.maxTokens, received.count >= maxTokens { return .length }
    return nil
  }

  private func finish(
    _ state: GenerationProgress.State,
    stop: String?
  ) -> Weft_Gateway_V1_Finish {
    .with {
      $0.reason = stop != nil ? .stop : state.schedulerFinish?.reason ?? .cancelled
      if let stop { $0.stop = stop }
      $0.usage = .with {
        $0.promptTokens = UInt32(request.promptTokenIDs.count)
        $0.completionTokens = UInt32(state.receivedTokenIDs.count)
        $0.cachedPromptTokens = state.schedulerFinish?.usage.cachedPromptTokens ?? 0
        $0.preemptions = state.schedulerFinish?.usage.preemptions ?? 0
      }
      $0.timings = .with {
        $0.tokenizedMilliseconds = (tokenized - arrival).milliseconds
        $0.firstTokenMilliseconds = state.firstToken.map { ($0 - arrival).milliseconds } ?? 0
        $0.totalMilliseconds = ((state.lastToken ?? .now) - arrival).milliseconds
      }
    }
  }
}

/// For logs and responses.
extension Duration {
  /// The duration in milliseconds, fractions kept.
  var milliseconds: Double { self / .milliseconds(1) }
}
