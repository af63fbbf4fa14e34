import GRPCCore
import MeshProtos
import MeshRuntime
import ServiceTesting
import SwiftProtobuf
import Synchronization

typealias LoadResult = Weft_Worker_V1_LoadResult

/// One Execute call, plan by plan. Used by one task at a time.
final class Execution: Sendable {
  private struct State {
    var lastStep: UInt64 = 0
    var loads: [(step: UInt64, result: LoadResult)] = []
    var storesDone: [UInt64] = []
  }

  private let epoch: UInt64
  private let writer: RPCWriter<Plan>
  private let results: BoundedChannel<StepResult>
  private let state = Mutex(State())

  fileprivate init(
    epoch: UInt64,
    writer: RPCWriter<Plan>,
    results: BoundedChannel<StepResult>
  ) {
    self.epoch = epoch
    self.writer = writer
    self.results = results
  }

  /// Results of loads that have come, each with the step of the response that brought it.
  var loads: [(step: UInt64, result: LoadResult)] { state.withLock(\.loads) }

  /// Everything said about stores, in the order in which it came.
  var storesDone: [UInt64] { state.withLock(\.storesDone) }

  /// Sends the next plan, with what `change` puts in, and waits for nothing.
  func send(_ change: (inout Plan) -> Void = { _ in }) async throws {
    let step = state.withLock { state in
      state.lastStep += 1
      return state.lastStep
    }
    var plan = Plan.with {
      $0.epoch = epoch
      $0.step = step
    }
    change(&plan)
    try await writer.write(plan)
  }

  /// Sends the next plan and waits for its result.
  @discardableResult
  func step(_ change: (inout Plan) -> Void = { _ in }) async throws -> StepResult {
    try await send(change)
    let step = state.withLock(\.lastStep)
    while true {
      let result = try await receive()
      if result.step == step { return result }
    }
  }

  /// Waits for the result of a load.
  @discardableResult
  func load(_ id: UInt64) async throws -> LoadResult {
    while true {
      if let load = loads.first(where: { $0.result.load == id }) { return load.result }
      _ = try await receive()
    }
  }

  /// Waits until it was said that all stores up to `number` have ended.
  func store(_ number: UInt64) async throws {
    while storesDone.allSatisfy({ $0 < number }) { _ = try await receive() }
  }

  private func receive() async throws -> StepResult {
    guard let result = await results.next() else { throw UnexpectedEnd() }
    state.withLock { state in
      state.loads += result.finishedLoads.map { (result.step, $0) }
      if result.storesDone > 0 { state.storesDone.append(result.storesDone) }
    }
    return result
  }
}

/// The call ended while there was something to come.
struct UnexpectedEnd: Error {}

extension TestWorker {
  /// Runs `body` with a call of its own.
  func execution<Result: Sendable>(
    epoch: UInt64 = 1,
    _ body: @escaping @Sendable (Execution) async throws -> Result
  ) async throws -> Result {
    let results = BoundedChannel<StepResult>(capacity: 1000)
    let outcome = Mutex<Result?>(nil)
    try await client.execute(options: .bounded) { writer in
      let result = try await body(Execution(epoch: epoch, writer: writer, results: results))
      outcome.withLock { $0 = result }
    } onResponse: { response in
      defer { results.finish() }
      for try await message in response.messages { _ = await results.send(message) }
    }
    guard let result = outcome.withLock(\.self) else { throw UnexpectedEnd() }
    return result
  }
}
