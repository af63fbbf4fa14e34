import BlockCache
import MeshTypes
import Scheduling
import Simulation
import Testing

/// A simulation proves something only if its workers notice what is wrong.
@Suite("Simulated worker")
struct SimulatedWorkerTests {
  private static let blockSize = 4

  private func worker() -> SimulatedWorker {
    SimulatedWorker(
      .simulated(
        0,
        blockCount: 16,
        blockSizeTokens: Self.blockSize,
        maxBatchTokens: 16,
        maxBatchSequences: 4
      )
    )
  }

  private func start(_ id: UInt64, _ tokens: [TokenID]) -> SequenceStart {
    SequenceStart(
      id: SequenceID(id),
      tokenIDs: tokens,
      sampling: SamplingParameters(
        seed: SimulatedSeed(number: Int(id), naturalLength: 100, flaw: .none).rawValue
      )
    )
  }

  /// A slice, and the blocks that it appends.
  private typealias Part = (slice: PlannedSlice, blocks: [BlockID])

  private func slice(
    _ id: UInt64,
    at position: Int = 0,
    _ count: Int,
    blocks: [UInt32] = [],
    samples: Bool = false
  ) -> Part {
    let slice = PlannedSlice(
      sequence: SequenceID(id),
      startPosition: position,
      tokenCount: count,
      samples: samples
    )
    return (slice, blocks.map { BlockID($0) })
  }

  private func plan(
    _ step: UInt64,
    releases: [UInt64] = [],
    starts: [SequenceStart] = [],
    slices parts: [Part] = []
  ) -> StepPlan {
    var plan = StepPlan(
      epoch: Epoch(1),
      step: StepID(step),
      releases: releases.map { SequenceID($0) },
      starts: starts
    )
    for (slice, blocks) in parts {
      var slice = slice
      slice.newBlocks = plan.newBlocks.count..<plan.newBlocks.count + blocks.count
      plan.newBlocks += blocks
      plan.slices.append(slice)
    }
    return plan
  }

  /// What the worker says of the last plan, having executed the others.
  private func complaint(_ plans: StepPlan...) throws -> String? {
    var worker = worker()
    for plan in plans.dropLast() { _ = try worker.execute(plan) }
    guard let last = plans.last else { return nil }
    do {
      _ = try worker.execute(last)
      return nil
    } catch {
      return error.description
    }
  }

  @Test("A prompt in chunks, a hit on its full block, and decoding are in order")
  func order() throws {
    let tokens: [TokenID] = [1, 2, 3, 4, 5, 6]
    let fine = try complaint(
      plan(1, starts: [start(1, tokens)], slices: [slice(1, 3, blocks: [0, 1])]),
      plan(2, slices: [slice(1, at: 3, 3, samples: true)]),
      plan(
        3,
        releases: [],
        starts: [start(2, [1, 2, 3, 4, 9])],
        slices: [
          slice(1, at: 6, 1, samples: true), slice(2, at: 4, 1, blocks: [0, 2], samples: true),
        ]
      )
    )
    #expect(fine == nil)
  }

  @Test("A hit on a block that another history wrote is noticed")
  func wrongHit() throws {
    let complaint = try complaint(
      plan(1, starts: [start(1, [1, 2, 3, 4])], slices: [slice(1, 4, blocks: [0])]),
      plan(
        2,
        starts: [start(2, [1, 2, 3, 5, 9])],
        slices: [slice(2, at: 4, 1, blocks: [0, 1], samples: true)]
      )
    )
    #expect(complaint?.contains("another history") == true)
  }

  @Test("The right tokens at other positions are another history")
  func shiftedHit() throws {
    let complaint = try complaint(
      plan(
        1,
        starts: [start(1, [7, 7, 7, 7, 1, 2, 3, 4])],
        slices: [slice(1, 8, blocks: [0, 1])]
      ),
      plan(
        2,
        starts: [start(2, [1, 2, 3, 4, 9])],
        slices: [slice(2, at: 4, 1, blocks: [1, 2], samples: true)]
      )
    )
    #expect(complaint?.contains("another history") == true)
  }

  @Test("Two sequences that write to one block are noticed")
  func sharedWrite() throws {
    let complaint = try complaint(
      plan(1, starts: [start(1, [1, 2])], slices: [slice(1, 2, blocks: [0], samples: true)]),
      plan(2, starts: [start(2, [1, 2])], slices: [slice(2, 2, blocks: [0], samples: true)])
    )
    #expect(complaint?.contains("in 2 tables") == true)
  }

  @Test("A hit on a block that is not full yet is noticed")
  func partialHit() throws {
    let complaint = try complaint(
      plan(1, starts: [start(1, [1, 2, 3])], slices: [slice(1, 3, blocks: [0])]),
      plan(
        2,
        starts: [start(2, [1, 2, 3, 4, 5])],
        slices: [slice(2, at: 4, 1, blocks: [0, 1], samples: true)]
      )
    )
    #expect(complaint?.contains("another history") == true)
  }

  @Test("Skipped positions, missing blocks and tokens that nobody knows are noticed")
  func positions() throws {
    let begin = plan(1, starts: [start(1, [1, 2, 3, 4, 5])], slices: [slice(1, 1, blocks: [0])])
    #expect(try complaint(begin, plan(2, slices: [slice(1, at: 2, 1)])) != nil)
    #expect(try complaint(begin, plan(2, slices: [slice(1, at: 1, 4)])) != nil)
    #expect(try complaint(begin, plan(2, slices: [slice(1, at: 1, 5, blocks: [1])])) != nil)
    #expect(try complaint(begin, plan(2, slices: [slice(1, at: 1, 4, blocks: [1])])) == nil)
  }

  @Test(
    "A copy of what was written so far is in order, one of more or of another history is noticed"
  )
  func copies() throws {
    let begin = plan(
      1,
      starts: [start(1, [1, 2, 3, 4, 5, 6, 7])],
      slices: [slice(1, 7, blocks: [0, 1], samples: true)]
    )
    func copy(_ tokens: [TokenID], _ copy: BlockCopy) -> StepPlan {
      var plan = plan(
        2,
        starts: [start(2, tokens)],
        slices: [slice(2, at: 6, 1, blocks: [0, 2], samples: true)]
      )
      plan.copies = [copy]
      return plan
    }
    let right = BlockCopy(source: BlockID(1), destination: BlockID(2), tokenCount: 2)
    #expect(try complaint(begin, copy([1, 2, 3, 4, 5, 6, 9], right)) == nil)
    #expect(
      try complaint(begin, copy([1, 2, 3, 4, 5, 9, 7], right))?.contains("another history") == true
    )
    var wrong = right
    wrong.tokenCount = 4
    #expect(try complaint(begin, copy([1, 2, 3, 4, 5, 6, 9], wrong))?.contains("written") == true)
    wrong.tokenCount = 1
    #expect(
      try complaint(begin, copy([1, 2, 3, 4, 5, 6, 9], wrong))?.contains("another history") == true
    )
    wrong = BlockCopy(source: BlockID(1), destination: BlockID(0), tokenCount: 2)
    #expect(try complaint(begin, copy([1, 2, 3, 4, 5, 6, 9], wrong))?.contains("started") == true)
  }

  @Test("A batch beyond the budget, a step out of turn, and an unknown release are noticed")
  func protocolRules() throws {
    let tokens = (1...17).map { TokenID($0) }
    let tooMuch = plan(
      1,
      starts: [start(1, tokens)],
      slices: [slice(1, 17, blocks: [0, 1, 2, 3, 4], samples: true)]
    )
    #expect(try complaint(tooMuch)?.contains("budget") == true)
    #expect(try complaint(plan(2))?.contains("numbered") == true)
    #expect(try complaint(plan(1, releases: [1]))?.contains("unknown") == true)
  }

  @Test("What wrong guesses leave in a block is nobody's: the sequence itself writes it again")
  func drafts() throws {
    func decoding(_ start: Int, _ limit: Int?) -> Part {
      var slice = slice(1, at: start, 1, samples: true)
      slice.slice.draftLimit = limit
      return slice
    }
    let begin = plan(
      1,
      starts: [start(1, [1, 2, 3])],
      slices: [slice(1, 3, blocks: Array(0..<8), samples: true)]
    )
    var worker = worker()
    _ = try worker.execute(begin)
    var wrong = 0
    for step in 2...7 as ClosedRange<UInt64> {
      // At least so far has it got by then.
      let result = try worker.execute(plan(step, slices: [decoding(Int(step) + 1, 3)])).result
      wrong += result.draftedTokens - (result.sampled.count - 1)
      #expect(1...1 + result.draftedTokens ~= result.sampled.count)
    }
    #expect(wrong > 0)
    #expect(try complaint(begin, plan(2, slices: [decoding(3, 4)])) == nil)
    #expect(try complaint(begin, plan(2, slices: [decoding(4, 4)])) != nil)
    #expect(try complaint(begin, plan(2, slices: [decoding(3, 29)])) != nil)
    #expect(try complaint(begin, plan(2, slices: [decoding(3, nil)])) == nil)
  }

  @Test("A client takes only the tokens of an undisturbed run, in order")
  func client() throws {
    let prompt = SimulatedPrompt([.init(text: 1, tokenCount: 5)])
    let request = SimulatedRequest(arrivalMicroseconds: 0, prompt: prompt, maxTokens: 3)
    var client = SimulatedClient(request, number: 0)
    _ = client.submission(id: SequenceID(1))
    var state = prompt.tokenIDs.reduce(SimulatedModel.initialState) {
      SimulatedModel.advance($0, by: $1)
    }
    let first = SimulatedModel.token(at: 5, after: state, client.seed)
    state = SimulatedModel.advance(state, by: first)
    let second = SimulatedModel.token(at: 6, after: state, client.seed)
    #expect(throws: SimulationViolation.self) { try client.receive(second, at: 1) }
    try client.receive(first, at: 1)
    #expect(throws: SimulationViolation.self) { try client.receive(first, at: 2) }
    try client.receive(second, at: 2)
    #expect(throws: SimulationViolation.self) {
      try client.finish(.length, .init(promptTokens: 5), at: 3)
    }
    try client.receive(SimulatedModel.stopToken, at: 3)
    #expect(throws: SimulationViolation.self) { try client.receive(first, at: 4) }
    try client.finish(.stop, .init(promptTokens: 5), at: 4)
    #expect(client.outcome == .answered)
  }
}
