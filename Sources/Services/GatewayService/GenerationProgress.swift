import MeshProtos
import MeshTypes
import Synchronization

/// What the gateway knows of one running request; shared by the task that receives tokens and the
/// task that sends text.
final class GenerationProgress: Sendable {
  struct State {
    /// Every token received so far: with the prompt, all it takes to go on elsewhere.
    var receivedTokenIDs: [TokenID] = []
    /// How likely those were that have not been sent on, if that was asked for.
    var logprobs: [Weft_Types_V1_TokenLogprobs] = []
    var schedulerFinish: Weft_Scheduler_V1_Finish?
    var firstToken: ContinuousClock.Instant?
    var lastToken: ContinuousClock.Instant?
    /// Why the token side ended, if it failed: the text side sees only its own call cancelled.
    var failure: (any Error)?
  }

  private let state = Mutex(State())

  var snapshot: State { state.withLock { $0 } }

  func received(
    _ tokenIDs: [TokenID],
    _ logprobs: [Weft_Types_V1_TokenLogprobs],
    at now: ContinuousClock.Instant
  ) {
    state.withLock { state in
      state.receivedTokenIDs += tokenIDs
      state.logprobs += logprobs
      if state.firstToken == nil { state.firstToken = now }
      state.lastToken = now
    }
  }

  /// How likely the next `count` tokens were, each told once.
  func takeLogprobs(of count: Int) -> [Weft_Types_V1_TokenLogprobs] {
    state.withLock { state in
      let taken = Array(state.logprobs.prefix(count))
      state.logprobs.removeFirst(taken.count)
      return taken
    }
  }

  func finished(_ finish: Weft_Scheduler_V1_Finish) {
    state.withLock { $0.schedulerFinish = finish }
  }

  func failed(_ error: any Error) {
    state.withLock { state in
      if state.failure == nil { state.failure = error }
    }
  }
}
