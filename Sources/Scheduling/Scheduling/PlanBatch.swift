import MeshTypes

/// The plans that ``SchedulerCore/nextPlans(into:)`` made last, in memory that the next ones take over.
package struct PlanBatch: RandomAccessCollection, Sendable {
  /// Those behind `endIndex` are only memory.
  private var plans: [StepPlan] = []

  package private(set) var endIndex = 0
  package var startIndex: Int { 0 }

  /// Creates an empty batch.
  package init() {}

  package subscript(place: Int) -> StepPlan {
    precondition(place < endIndex, "no such plan")
    return plans[place]
  }

  /// Empties it, and keeps what memory is not its sequences' own: whoever holds tokens that are still
  /// added to has them copied.
  package mutating func removeAll() {
    for place in 0..<endIndex { plans[place].starts.removeAll(keepingCapacity: true) }
    endIndex = 0
  }

  /// Appends a plan that `fill` makes of an empty one.
  mutating func append(epoch: Epoch, step: StepID, _ fill: (inout StepPlan) -> Void) {
    if endIndex == plans.count { plans.append(StepPlan(epoch: epoch, step: step)) }
    plans[endIndex].begin(epoch: epoch, step: step)
    fill(&plans[endIndex])
    endIndex += 1
  }
}

/// Arrays that planning fills, and empties without giving their memory back.
struct PlanningScratch: Sendable {
  var epochs: [Epoch] = []
  var shares: [SchedulerCore.Share] = []
  var loads: [WorkerLoad] = []
}
