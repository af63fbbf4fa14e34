import MeshProtos
import MeshTypes
import Synchronization

/// Plans of one Execute call that wait for the engine, in order.
///
/// The engine takes plan after plan itself: between two steps nothing has to change threads, if the
/// scheduler has planned ahead.
final class PlanQueue: Sendable {
  typealias Plan = Weft_Worker_V1_ExecuteRequest

  /// More than a scheduler ever has on their way.
  static let limit = 64

  private let plans = Mutex<[Plan]>([])
  private let arrivalsContinuation: AsyncStream<Void>.Continuation

  /// Yields after plans have been put in, once for one or more of them; ends when no more will come.
  let arrivals: AsyncStream<Void>

  init() {
    (arrivals, arrivalsContinuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Puts a plan in.
  ///
  /// - Throws: ``MeshError`` `resourceExhausted` if ``limit`` plans wait already.
  func append(_ plan: Plan) throws(MeshError) {
    try plans.withLock { (plans) throws(MeshError) in
      guard plans.count < Self.limit else {
        throw MeshError(.resourceExhausted, "at most \(Self.limit) plans may wait", field: "step")
      }
      plans.append(plan)
    }
    arrivalsContinuation.yield()
  }

  /// Says that no more plans will come.
  func finish() { arrivalsContinuation.finish() }

  /// Takes the next plan out; nil if none waits.
  func next() -> Plan? {
    plans.withLock { plans in plans.isEmpty ? nil : plans.removeFirst() }
  }

  /// The membership of the plan that comes next.
  var nextEpoch: UInt64? { plans.withLock { $0.first?.epoch } }
}
