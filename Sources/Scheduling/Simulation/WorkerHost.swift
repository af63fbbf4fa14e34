import MeshTypes
import Scheduling

/// A worker's process: what it does when, and what may befall it.
struct WorkerHost {
  var worker: SimulatedWorker
  /// Its present membership, as far as it knows.
  var epoch: Epoch?
  /// Its last membership.
  var lastEpoch: Epoch?
  /// Counts memberships and deaths: events of an earlier one have lost their meaning.
  var stay = 0
  var isUp = true
  /// Plans that have come and were not begun.
  var plans: [StepPlan] = []
  /// The step that it computes.
  var execution: SimulatedWorker.Execution?
  /// Stopped until then.
  var resumeTime = 0
  /// How many times as long as usual its steps take.
  var slowness = 1.0
  /// When the transfers to or from the KV store that it has begun will be done.
  var transferTime = 0
  /// Time spent computing.
  var busyMicroseconds = 0

  init(_ capabilities: WorkerCapabilities, guesses: SimulatedGuesses) {
    worker = SimulatedWorker(capabilities, guesses: guesses)
  }

  func canStartStep(at time: Int) -> Bool {
    isUp && execution == nil && resumeTime <= time && !plans.isEmpty
  }

  /// Forgets everything that a membership brings.
  mutating func endStay() {
    stay += 1
    epoch = nil
    plans = []
    execution = nil
    worker.begin()
  }
}

/// What a worker tells the scheduler.
enum WorkerReport {
  case step(StepResult)
  case load(LoadResult)
  case stores(through: UInt64)
}

/// One membership's streams of messages, each in order.
struct WorkerLink {
  let worker: Int
  /// Whether the scheduler still listens.
  var isOpen = true
  /// Nothing comes through until then.
  var quietTime = 0
  var plans = MessageStream<StepPlan>()
  var reports = MessageStream<WorkerReport>()

  init(worker: Int) { self.worker = worker }
}

/// Messages on their way, in order.
struct MessageStream<Message> {
  private var messages: [Message] = []
  private var first = 0
  private var lastTime = 0

  /// - Returns: When the message arrives.
  mutating func send(_ message: Message, arrivingAt time: Int) -> Int {
    messages.append(message)
    lastTime = max(lastTime, time)
    return lastTime
  }

  mutating func receive() -> Message? {
    guard first < messages.count else { return nil }
    defer {
      first += 1
      if first > 32, first > messages.count / 2 {
        messages.removeFirst(first)
        first = 0
      }
    }
    return messages[first]
  }
}
