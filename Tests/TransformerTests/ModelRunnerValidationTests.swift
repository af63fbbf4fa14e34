import MeshTypes
import Testing
import Transformer

@Suite struct ModelRunnerValidationTests {
  private static let good = SequenceSlice(
    tokenIDs: [1, 2],
    startPosition: 0,
    blockTable: [BlockID(0)]
  )

  private func expectError(
    _ field: String,
    _ runner: ModelRunner,
    _ slices: [SequenceSlice],
    code: MeshError.Code = .invalidArgument,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let error = #expect(throws: MeshError.self, sourceLocation: sourceLocation) {
      _ = try runner.step(slices)
    }
    #expect(error?.field == field, sourceLocation: sourceLocation)
    #expect(error?.code == code, sourceLocation: sourceLocation)
  }

  @Test func whatASliceMayNotHoldIsNamed() throws {
    let runner = try SyntheticModel().runner { $0.maxLogitsRows = 3 }
    func changed(_ change: (inout SequenceSlice) -> Void) -> [SequenceSlice] {
      var slice = Self.good
      change(&slice)
      return [Self.good, slice]
    }
    expectError("slices", runner, [])
    expectError("slices[1].token_ids", runner, changed { $0.tokenIDs = [] })
    for id: TokenID in [300, .max] {
      expectError("slices[1].token_ids", runner, changed { $0.tokenIDs = [0, id] })
    }
    expectError(
      "slices[1].token_ids",
      runner,
      changed { $0.tokenIDs = [TokenID](repeating: 0, count: 97)[...] }
    )
    for position in [-1, 199, .min, .max] {
      expectError(
        "slices[1].start_position",
        runner,
        changed { $0.startPosition = position },
        code: .outOfRange
      )
    }
    expectError("slices[1].block_table", runner, changed { $0.blockTable = [] })
    expectError("slices[1].block_table", runner, changed { $0.startPosition = 15 })
    for block: UInt32 in [64, .max] {
      expectError("slices[1].block_table", runner, changed { $0.blockTable = [BlockID(block)] })
      expectError(
        "slices[1].block_table",
        runner,
        changed { $0.blockTable = [BlockID(1), BlockID(block)] }
      )
    }
    expectError("slices", runner, [Self.good, Self.good, Self.good, Self.good])
    let long = SequenceSlice(
      tokenIDs: [TokenID](repeating: 0, count: 95),
      startPosition: 0,
      blockTable: blocks(forTokens: 95),
      logits: .none
    )
    expectError("slices", runner, [long, Self.good])
    #expect(throws: Never.self) { _ = try runner.step([Self.good]) }
  }

  @Test func theLastPositionOfTheContextIsAllowed() throws {
    let runner = try SyntheticModel().runner()
    let slice = SequenceSlice(
      tokenIDs: [299],
      startPosition: 199,
      blockTable: blocks(forTokens: 200)
    )
    #expect(try runner.step([slice]).rowCount == 1)
  }

  @Test func settingsOutOfRangeAreNamed() throws {
    func expectError(_ field: String, _ change: (inout RunnerSettings) -> Void) {
      let error = #expect(throws: MeshError.self) {
        _ = try SyntheticModel().runner(change)
      }
      #expect(error?.field == field)
      #expect(error?.code == .invalidArgument)
    }
    expectError("block_count") { $0.blockCount = 0 }
    expectError("block_size_tokens") { $0.blockSizeTokens = 24 }
    expectError("max_batch_tokens") { $0.maxBatchTokens = 0 }
    expectError("max_batch_tokens") { $0.maxBatchTokens = .max }
    expectError("max_logits_rows") { $0.maxLogitsRows = 0 }
    expectError("thread_count") { $0.threadCount = 0 }
  }

  @Test func moreMemoryThanThereIsIsAnError() throws {
    let error = #expect(throws: MeshError.self) {
      _ = try SyntheticModel().runner { $0.blockCount = Int(Int32.max) }
    }
    #expect(error?.code == .resourceExhausted)
  }
}
