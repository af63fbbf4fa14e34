import Foundation
import GRPCCore
import MeshProtos
import SwiftProtobuf
import Synchronization

/// A sequence's tokens folded into one number, and the token that follows from it alone: whoever
/// goes on with a sequence goes on with the same tokens.
struct FakeModel {
  static let vocabularySize: UInt32 = 1000
  private var state: UInt64 = 0xCBF2_9CE4_8422_2325

  init(_ tokenIDs: [UInt32]) {
    for tokenID in tokenIDs { append(tokenID) }
  }

  /// The token to sample.
  var next: UInt32 { 1 + UInt32(truncatingIfNeeded: state >> 33) % (Self.vocabularySize - 1) }

  mutating func append(_ tokenID: UInt32) { state = (state ^ UInt64(tokenID)) &* 0x100_0000_01B3 }

  /// What a sequence produces, whoever computes it.
  static func continuation(of prompt: [UInt32], count: Int) -> [UInt32] {
    var model = FakeModel(prompt)
    return (0..<count).map { _ in
      let token = model.next
      model.append(token)
      return token
    }
  }
}

/// A worker that answers plans as ``FakeModel`` does, without any KV.
final class FakeWorker: Weft_Worker_V1_WorkerService.SimpleServiceProtocol {
  private let counts = Mutex((steps: 0, failures: 0))
  private let failingAtStep: Int?
  private let rightDrafts: Int
  private let microsecondsPerToken: UInt64

  /// - Parameters:
  ///   - failingAtStep: The step of its life at which it fails its call, once.
  ///   - rightDrafts: How many tokens it guesses rightly in each slice that may have so many. With any
  ///     it says of each token how likely it was.
  ///   - microsecondsPerToken: What it says that a token takes.
  init(failingAtStep: Int? = nil, rightDrafts: Int = 0, microsecondsPerToken: UInt64 = 0) {
    self.failingAtStep = failingAtStep
    self.rightDrafts = rightDrafts
    self.microsecondsPerToken = microsecondsPerToken
  }

  /// Steps with slices that it has computed.
  var steps: Int { counts.withLock { $0.steps } }
  /// Calls that it has failed.
  var failures: Int { counts.withLock { $0.failures } }

  func execute(
    request: RPCAsyncSequence<Weft_Worker_V1_ExecuteRequest, any Error>,
    response: RPCWriter<Weft_Worker_V1_ExecuteResponse>,
    context: ServerContext
  ) async throws {
    var sequences: [UInt64: FakeModel] = [:]
    for try await plan in request {
      try beginStep(plan)
      for sequence in plan.releasedSequences { sequences[sequence] = nil }
      for start in plan.starts { sequences[start.sequence] = FakeModel(start.tokenIds) }
      var sampled: [Weft_Worker_V1_SampledToken] = []
      var drafted: UInt32 = 0
      for slice in plan.slices where slice.samples {
        let drafts = min(slice.draftLimit, UInt32(rightDrafts))
        drafted += drafts
        for _ in 0...drafts {
          let token = sequences[slice.sequence]?.next ?? 0
          sequences[slice.sequence]?.append(token)
          sampled.append(sampledToken(token, of: slice.sequence))
        }
      }
      try await response.write(
        .with {
          $0.epoch = plan.epoch
          $0.step = plan.step
          $0.sampled = sampled
          $0.draftedTokens = drafted
          $0.computeMicroseconds =
            microsecondsPerToken * plan.slices.reduce(0) { $0 + UInt64($1.tokenCount) }
        }
      )
    }
  }

  private func sampledToken(
    _ tokenID: UInt32,
    of sequence: UInt64
  ) -> Weft_Worker_V1_SampledToken {
    .with {
      $0.sequence = sequence
      $0.tokenID = tokenID
      if rightDrafts > 0 { $0.logprobs.token.tokenID = tokenID }
    }
  }

  private func beginStep(_ plan: Weft_Worker_V1_ExecuteRequest) throws {
    try counts.withLock { counts in
      guard !plan.slices.isEmpty else { return }
      counts.steps += 1
      if counts.steps == failingAtStep {
        counts.failures += 1
        throw RPCError(code: .internalError, message: "the fake worker breaks")
      }
    }
  }
}

extension Weft_Scheduler_V1_Capabilities {
  /// What fake workers offer.
  static func fake(contextLength: UInt32 = 100_000) -> Self {
    .with {
      $0.model = "fake"
      $0.vocabularySize = FakeModel.vocabularySize
      $0.contextLength = contextLength
      $0.blockSize = 16
      $0.blockCount = 10_000
      $0.maxBatchTokens = 64
      $0.maxBatchSequences = 16
      $0.cacheRootKey = Data(repeating: 7, count: 32)
    }
  }
}
