import BlockCache
import CAllocationCounter
import MeshTypes
import Scheduling

/// A core whose workers all decode, driven as the service drives it.
struct PlanningBench {
  private var core: SchedulerCore
  private var batch = PlanBatch()
  /// What comes of the plans in flight.
  private var results: [StepResult] = []

  /// - Throws: ``MeshError`` if the core does not take the settings.
  init(workers: Int, running: Int, waiting: Int) throws {
    var settings = SchedulerSettings()
    settings.maxWaitingSequences = 1_000_000
    settings.maxPlansInFlight = 1
    settings.maxPrefillTokensPerSequencePerStep = 256
    core = try SchedulerCore(settings: settings)
    let batch = running / workers
    for number in 0..<workers {
      _ = try core.join(Self.worker(number, batch: batch))
    }
    for number in 0..<running + waiting {
      try core.submit(
        SequenceRequest(
          id: SequenceID(UInt64(number + 1)),
          promptTokenIDs: (0..<32).map { TokenID(number * 7 + $0) % 50_000 },
          limits: GenerationLimits(maxTokens: 4000)
        )
      )
    }
    // Until all prompts are computed.
    for _ in 0..<2 + batch {
      plan()
      for result in results { _ = core.complete(result) }
      results = []
    }
  }

  private static func worker(_ number: Int, batch: Int) -> WorkerCapabilities {
    WorkerCapabilities(
      name: "worker-\(number)",
      blockCount: batch * 300,
      blockSizeTokens: 16,
      maxBatchTokens: max(512, batch),
      maxBatchSequences: batch,
      maxContextTokens: 8192,
      vocabularySize: 50_000,
      rootKey: .root(modelDigest: [1], numericsID: "b", layout: "b", blockSizeTokens: 16)
    )
  }

  private mutating func plan() {
    core.nextPlans(into: &batch)
    results += batch.map { Self.result(of: $0) }
  }

  private static func result(of plan: StepPlan) -> StepResult {
    StepResult(
      epoch: plan.epoch,
      step: plan.step,
      sampled: plan.slices.filter(\.samples).map {
        SampledToken(sequence: $0.sequence, tokenID: 1)
      },
      computeMicroseconds: 10_000
    )
  }

  /// What planning costs.
  struct Cost {
    /// Median microseconds of planning for all workers at once.
    var ofAll: Double
    /// Median microseconds of taking one worker's result and planning its next step.
    var ofOne: Double
    /// Allocations while planning, in all rounds together.
    var allocations: UInt64 = 0
    var planCount = 0
  }

  /// - Parameters:
  ///   - rounds: As many steps of all workers; every other one as their results come.
  ///   - holdsPlans: Whether somebody holds the plans made last, so that the next need other memory.
  mutating func run(
    rounds: Int,
    holdingPlans holdsPlans: Bool = false,
    clock: ContinuousClock
  ) -> Cost {
    var held = batch
    var cost = Cost(ofAll: 0, ofOne: 0)
    var all: [Double] = []
    var one: [Double] = []
    all.reserveCapacity(rounds)
    plan()
    for round in 0..<rounds {
      let isAlone = round % 2 == 1
      let completed = results
      results = []
      for (place, result) in completed.enumerated() {
        let start = clock.now
        _ = core.complete(result)
        guard isAlone || place == completed.count - 1 else { continue }
        let planningStart = clock.now
        let before = allocation_count()
        core.nextPlans(into: &batch)
        cost.allocations += allocation_count() - before
        let end = clock.now
        if isAlone {
          one.append((end - start) / .microseconds(1))
        } else {
          all.append((end - planningStart) / .microseconds(1))
        }
        cost.planCount += batch.count
        if holdsPlans { held = batch }
        precondition(batch.allSatisfy { !$0.slices.isEmpty }, "somebody has nothing to do")
        results += batch.map { Self.result(of: $0) }
      }
    }
    withExtendedLifetime(held) {}
    cost.ofAll = Self.median(all)
    cost.ofOne = Self.median(one)
    return cost
  }

  private static func median(_ values: [Double]) -> Double {
    values.isEmpty ? 0 : values.sorted()[values.count / 2]
  }
}
