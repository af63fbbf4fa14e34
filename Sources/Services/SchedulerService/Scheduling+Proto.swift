import BlockCache
import FoundationEssentials
import GRPCCore
import MeshProtos
import MeshRuntime
import MeshTypes
import Scheduling
import SwiftProtobuf

extension WorkerCapabilities {
  /// Reads what a joining worker offers; ranges are checked by the core.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the field.
  init(_ request: Weft_Scheduler_V1_JoinRequest) throws(MeshError) {
    let message = request.capabilities
    guard (1...200).contains(request.worker.utf8.count) else {
      throw .invalid("worker", "must be of 1...200 bytes, got \(request.worker.utf8.count)")
    }
    guard (1...200).contains(message.model.utf8.count) else {
      throw .invalid("capabilities.model", "must be of 1...200 bytes")
    }
    guard let rootKey = BlockKey(bytes: message.cacheRootKey) else {
      throw .invalid(
        "capabilities.cache_root_key",
        "must have \(BlockKey.byteCount) bytes, got \(message.cacheRootKey.count)"
      )
    }
    self.init(
      name: request.worker,
      blockCount: Int(message.blockCount),
      blockSizeTokens: Int(message.blockSize),
      maxBatchTokens: Int(message.maxBatchTokens),
      maxBatchSequences: Int(message.maxBatchSequences),
      maxContextTokens: Int(message.contextLength),
      vocabularySize: Int(message.vocabularySize),
      rootKey: rootKey,
      measuredSpeed: WorkerSpeed(message),
      storeBlockBytes: Int(clamping: message.storeBlockBytes),
      role: try WorkerRole(message.role)
    )
  }
}

extension WorkerSpeed {
  /// nil where a worker has not measured.
  fileprivate init?(_ message: Weft_Scheduler_V1_Capabilities) {
    guard message.prefillTokensPerSecond != 0 || message.decodeTokensPerSecond != 0 else {
      return nil
    }
    self.init(
      prefillTokensPerSecond: message.prefillTokensPerSecond,
      decodeTokensPerSecond: message.decodeTokensPerSecond
    )
  }
}

extension WorkerRole {
  /// - Throws: ``MeshError`` `invalidArgument` for a role that this scheduler does not know.
  fileprivate init(_ role: Weft_Scheduler_V1_WorkerRole) throws(MeshError) {
    switch role {
    case .unspecified: self = .everything
    case .prefill: self = .prefill
    case .decode: self = .decode
    case .UNRECOGNIZED(let value):
      throw .invalid("capabilities.role", "must be in 0...2, got \(value)")
    }
  }
}

extension Weft_Worker_V1_ExecuteRequest {
  /// A plan as the worker takes it.
  init(_ plan: StepPlan) {
    self = .with {
      $0.epoch = plan.epoch.rawValue
      $0.step = plan.step.rawValue
      $0.releasedSequences = plan.releases.map(\.rawValue)
      $0.starts = plan.starts.map { start in
        .with {
          $0.sequence = start.id.rawValue
          $0.tokenIds = start.tokenIDs
          $0.sampling = start.sampling.message
          $0.generatedTokenCount = UInt32(start.generatedTokenCount)
          $0.stopTokenIds = start.stopTokenIDs.sorted()
        }
      }
      $0.slices = plan.slices.map { slice in
        .with {
          $0.sequence = slice.sequence.rawValue
          $0.startPosition = UInt32(slice.startPosition)
          $0.tokenCount = UInt32(slice.tokenCount)
          $0.appendedBlocks = plan.newBlocks(of: slice).map(\.rawValue)
          $0.samples = slice.samples
          if let limit = slice.draftLimit { $0.draftLimit = UInt32(limit) }
        }
      }
      $0.stores = plan.stores.map { store in
        .with {
          $0.store = store.number
          $0.namespace = store.namespace
          $0.blocks = store.blocks.map(\.rawValue)
          $0.keys = Data(store.keys.flatMap(\.bytes))
          $0.asComputed = store.isAsComputed
        }
      }
      $0.copies = plan.copies.map { copy in
        .with {
          $0.source = copy.source.rawValue
          $0.destination = copy.destination.rawValue
          $0.tokenCount = UInt32(copy.tokenCount)
        }
      }
      $0.loads = plan.loads.map { load in
        .with {
          $0.load = load.id.rawValue
          $0.namespace = load.namespace
          $0.blocks = load.blocks.map(\.rawValue)
          $0.keys = Data(load.keys.flatMap(\.bytes))
          $0.timeoutMilliseconds = UInt32(load.timeoutMilliseconds)
        }
      }
      $0.cancelledLoads = plan.cancelledLoads.map(\.rawValue)
    }
  }
}

extension LoadResult {
  /// Reads how a worker's load ended; the core checks it against the load.
  init(_ message: Weft_Worker_V1_LoadResult) {
    self.init(
      id: LoadID(message.load),
      loadedBlocks: Int(message.loadedBlocks),
      microseconds: Double(message.microseconds),
      memoryBytes: Int(clamping: message.memoryBytes),
      diskBytes: Int(clamping: message.diskBytes)
    )
  }
}

extension StepResult {
  /// Reads a worker's answer; the core checks that it fits the plan.
  init(_ message: Weft_Worker_V1_ExecuteResponse) {
    self.init(
      epoch: Epoch(message.epoch),
      step: StepID(message.step),
      sampled: message.sampled.map {
        SampledToken(sequence: SequenceID($0.sequence), tokenID: $0.tokenID)
      },
      failures: message.failures.map {
        SequenceFailure(
          sequence: SequenceID($0.sequence),
          error: MeshError(
            .ofSequence(workerCode: $0.code),
            "a worker refused the sequence: \($0.message)"
          )
        )
      },
      computeMicroseconds: Self.duration(message.computeMicroseconds),
      idleMicroseconds: Self.duration(message.idleMicroseconds),
      draftedTokens: Int(message.draftedTokens)
    )
  }

  /// A worker's word for a duration; no more than a day, so that sums of them stay numbers.
  private static func duration(_ microseconds: UInt64) -> Double {
    Double(min(microseconds, 86_400_000_000))
  }
}

extension MeshError.Code {
  /// The kind of failure that a worker's status about a sequence stands for: a grammar that cannot go on
  /// is the request's; all else is a plan that was wrong, which is ours.
  fileprivate static func ofSequence(workerCode: Int32) -> Self {
    [.failedPrecondition, .resourceExhausted].first {
      Int32($0.rpcErrorCode.rawValue) == workerCode
    } ?? .internalError
  }
}

extension Weft_Scheduler_V1_GenerateResponse {
  /// One more token, and how likely it was if that was asked for.
  init(tokenID: TokenID, logprobs: Weft_Types_V1_TokenLogprobs?) {
    self = .with {
      $0.tokenIds = [tokenID]
      if let logprobs { $0.logprobs = [logprobs] }
    }
  }

  /// The end.
  init(reason: FinishReason, usage: SequenceUsage) {
    self = .with {
      $0.finish = .with {
        $0.reason =
          switch reason {
          case .stop: .stop
          case .length: .length
          case .cancelled: .cancelled
          }
        $0.usage = .with {
          $0.promptTokens = UInt32(usage.promptTokens)
          $0.completionTokens = UInt32(usage.generatedTokens)
          $0.cachedPromptTokens = UInt32(usage.cachedPromptTokens)
          $0.preemptions = UInt32(usage.preemptions)
        }
      }
    }
  }
}

extension Weft_Scheduler_V1_GetStatusResponse {
  /// The core's statistics, with what the members said when they joined.
  init(
    _ statistics: SchedulerStatistics,
    request: (Epoch) -> Weft_Scheduler_V1_JoinRequest?
  ) {
    self = .with {
      $0.waitingSequences = UInt32(statistics.waitingSequences)
      $0.runningSequences = UInt32(statistics.runningSequences)
      $0.preemptionsTotal = statistics.counters.preemptions
      $0.draftedTokensTotal = statistics.counters.draftedTokens
      $0.acceptedDraftTokensTotal = statistics.counters.acceptedDraftTokens
      $0.copiedTailsTotal = statistics.counters.copiedTails
      $0.copiedTokensTotal = statistics.counters.copiedTokens
      $0.workers = statistics.workers.map { worker in
        .with {
          let join = request(worker.epoch)
          $0.worker = worker.capabilities.name
          $0.address = join?.address ?? ""
          $0.capabilities = join?.capabilities ?? .init()
          $0.freeBlocks = UInt32(worker.freeBlocks)
          $0.runningSequences = UInt32(worker.runningSequences)
          $0.stepsTotal = worker.stepsCompleted
          $0.computeMicrosecondsTotal = UInt64(worker.computeMicroseconds)
          $0.idleMicrosecondsTotal = UInt64(worker.idleMicroseconds)
        }
      }
      $0.workers.sort { $0.worker < $1.worker }
      $0.store = Weft_Scheduler_V1_StoreStatus(statistics)
    }
  }
}

extension Weft_Worker_V1_ExecuteResponse {
  /// How likely sampled tokens were, by sequence and in order, where that was asked for.
  var logprobs: [UInt64: [Weft_Types_V1_TokenLogprobs]] {
    var logprobs: [UInt64: [Weft_Types_V1_TokenLogprobs]] = [:]
    for token in sampled where token.hasLogprobs {
      logprobs[token.sequence, default: []].append(token.logprobs)
    }
    return logprobs
  }
}
