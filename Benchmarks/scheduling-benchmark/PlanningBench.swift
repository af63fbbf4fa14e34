import BlockCache
import MeshTypes
import Scheduling

/// A core whose workers all decode, driven as the service drives it.
struct PlanningBench {
  private var core: SchedulerCore
  /// Plans without a result, by worker.
  private var plans: [Epoch: StepPlan] = [:]

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
      take(core.nextPlans())
      for plan in plans.values { _ = core.complete(Self.result(of: plan)) }
      plans = [:]
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

  private mutating func take(_ new: [StepPlan]) {
    for plan in new { plans[plan.epoch] = plan }
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

  /// - Returns: Medians in microseconds: of planning for all workers at once, and of taking one
  ///   worker's result and planning its next step.
  mutating func run(
    rounds: Int,
    clock: ContinuousClock
  ) throws -> (all: Double, one: Double) {
    var all: [Double] = []
    var one: [Double] = []
    for round in 0..<rounds {
      let results = plans.values.map { Self.result(of: $0) }
      plans = [:]
      if round % 2 == 0 {
        for result in results { _ = core.complete(result) }
        var made: [StepPlan] = []
        let time = clock.measure { made = core.nextPlans() }
        all.append(time / .microseconds(1))
        take(made)
      } else {
        for result in results {
          var made: [StepPlan] = []
          let time = clock.measure {
            _ = core.complete(result)
            made = core.nextPlans()
          }
          one.append(time / .microseconds(1))
          take(made)
        }
      }
      precondition(plans.values.allSatisfy { !$0.slices.isEmpty }, "somebody has nothing to do")
      if plans.isEmpty { take(core.nextPlans()) }
    }
    return (Self.median(all), Self.median(one))
  }

  private static func median(_ values: [Double]) -> Double {
    values.isEmpty ? 0 : values.sorted()[values.count / 2]
  }
}
