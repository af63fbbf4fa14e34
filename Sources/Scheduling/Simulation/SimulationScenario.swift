package import Scheduling

/// Everything that a simulation depends on.
package struct SimulationScenario: Sendable {
  /// Of everything that is left to chance.
  package var seed: UInt64
  /// How the scheduler is set.
  package var settings = SchedulerSettings()
  /// The workers; their names tell them apart.
  package var workers: [WorkerCapabilities] = []
  /// How fast a worker of relative speed 1 is.
  package var stepTime = StepTimeModel.smolLM2OnTwoCores
  /// In the order of their arrival.
  package var requests: [SimulatedRequest] = []
  /// What goes wrong.
  package var faults: [TimedFault] = []
  /// The way between any two services.
  package var network = SimulatedNetwork()
  /// How workers guess tokens; used if the settings let them.
  package var guesses = SimulatedGuesses()
  /// The KV store; used if the settings and workers use one.
  package var store = SimulatedStoreSettings()
  /// Whether gateways tell the scheduler until when their clients wait.
  package var tellsDeadlines = true
  /// After how many events at the core its invariants are checked; each check looks at every block.
  package var changesBetweenChecks = 1
  /// The time between two looks at the memory.
  package var sampleMicroseconds = 100_000

  /// A scenario without workers and requests.
  package init(seed: UInt64) { self.seed = seed }
}

/// How long messages take.
package struct SimulatedNetwork: Hashable, Sendable {
  /// The least time of a message.
  package var leastMicroseconds = 100
  /// The mean of what is added to it.
  package var jitterMicroseconds = 50
  /// How long a peer may be silent before it is taken for lost.
  package var silenceMicroseconds = 1_000_000

  /// A network like one machine's.
  package init() {}
}

/// How workers guess tokens from a sequence's own text.
package struct SimulatedGuesses: Hashable, Sendable {
  /// How often a guess is right, if those before it are; in 0...1.
  package var acceptance = 0.75
  /// Whether any number of tokens up to the limit is guessed, rather than as many as it allows.
  package var hasAnyLength = false

  /// Guesses as good as those of a small model's chats.
  package init() {}
}

/// How fast the KV store is.
package struct SimulatedStoreSettings: Hashable, Sendable {
  /// Blocks that it holds.
  package var capacityBlocks = 100_000
  /// From a worker to the store and back, in bytes a second.
  package var bytesPerSecond = 1e9
  /// Before the first byte.
  package var latencyMicroseconds = 500
  /// How often a question is not answered, a stored block dropped, a load cut short.
  package var lossProbability = 0.0

  /// A store on the same machine.
  package init() {}
}

/// Something that goes wrong.
package enum SimulationFault: Hashable, Sendable {
  /// The worker's process dies and is started again after a time.
  case crash(worker: Int, downMicroseconds: Int)
  /// The worker stops for a time, as by SIGSTOP and SIGCONT.
  case hang(worker: Int, microseconds: Int)
  /// The worker computes `factor` times as long.
  case slow(worker: Int, factor: Double, microseconds: Int)
  /// Nothing comes through between scheduler and worker for a time.
  case silence(worker: Int, microseconds: Int)
  /// The worker takes its leave, and joins again after a time.
  case leave(worker: Int, awayMicroseconds: Int)
  /// The worker gets no new sequences, and leaves when it has none left.
  case drain(worker: Int, awayMicroseconds: Int)
  /// The scheduler's process dies and is started again after a time.
  case restart(downMicroseconds: Int)
  /// The KV store loses all blocks.
  case storeLoss
}

/// A fault at its time.
package struct TimedFault: Hashable, Sendable {
  /// When.
  package var microseconds: Int
  /// What.
  package var fault: SimulationFault

  /// Creates a fault.
  package init(at microseconds: Int, _ fault: SimulationFault) {
    self.microseconds = microseconds
    self.fault = fault
  }
}
