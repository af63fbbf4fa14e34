/// What one worker's computing and fetching cost, learnt from its steps and loads.
///
/// Computing: `step = c₀ + c₁·positions + c₂·Σ context`, where a position's context is the number of
/// positions before it. Fetching: `load = f₀ + f₁·bytes from memory + f₂·bytes from disk`.
package struct TransferModel: Sendable {
  /// What a step computes.
  package struct StepWork: Hashable, Sendable {
    /// Positions of all sequences.
    package var positions = 0
    /// For each of them the positions before it, added up.
    package var contextPositions = 0

    /// No work.
    package init() {}

    /// Adds positions `range` of one sequence.
    package mutating func add(_ range: Range<Int>) {
      positions += range.count
      contextPositions += range.count * (range.lowerBound + range.upperBound - 1) / 2
    }

    /// Adds drafts, at about the positions of the rest.
    mutating func addDrafts(_ count: Int) {
      contextPositions += count * contextPositions / max(1, positions)
      positions += count
    }
  }

  /// Where to learn from nothing: a small model on two cores, a store on the same machine.
  private static let computingPrior = [3000, 1000, 0.3]
  private var computing = LeastSquares(prior: computingPrior)
  private var fetching = LeastSquares(prior: [3000, 1.0 / 700, 1.0 / 350])

  /// Positions of steps that it has seen.
  private var observedPositions = 0
  /// The most bytes from the store's memory that it has seen one load bring.
  private var largestLoadBytes = 0

  /// Creates a model that has seen nothing.
  package init() {}

  /// Creates a model that knows how fast its worker was when it started, and has seen nothing else.
  ///
  /// - Parameter positions: How many positions the prompt had whose speed was measured.
  package init(_ speed: WorkerSpeed, positions: Int) {
    // Two measurements for three weights: what context adds is taken to be as usual for a position.
    let contextShare = Self.computingPrior[2] / Self.computingPrior[1]
    var work = StepWork()
    work.add(0..<max(2, positions))
    let prompt = Double(work.positions) * 1e6 / speed.prefillTokensPerSecond
    let single = 1e6 / speed.decodeTokensPerSecond
    let perPosition =
      (prompt - single)
      / (Double(work.positions - 1) + contextShare * Double(work.contextPositions))
    // A prompt takes no less than a token, whatever was measured.
    let position = max(perPosition, 1e-3 * single)
    computing = LeastSquares(
      prior: [max(single - position, 1e-3 * single), position, contextShare * position]
    )
  }

  /// Positions of a step that counts in full.
  private static let typicalPrefill = 256.0

  /// Takes a completed step in.
  package mutating func observe(_ work: StepWork, microseconds: Double) {
    guard work.positions > 0, microseconds > 0 else { return }
    observedPositions += work.positions
    // Hundreds of decoding steps must not make it forget what a prompt costs.
    computing.observe(
      [1, Double(work.positions), Double(work.contextPositions)],
      microseconds,
      share: min(1, Double(work.positions) / Self.typicalPrefill)
    )
  }

  /// Whether what it says of computing is of the worker rather than a guess.
  package var hasLearntComputing: Bool { observedPositions >= 2 * Int(Self.typicalPrefill) }

  /// Takes a completed load in.
  package mutating func observeLoad(memoryBytes: Int, diskBytes: Int, microseconds: Double) {
    // Not their sum: workers may say whatever fits.
    guard memoryBytes > 0 || diskBytes > 0 else { return }
    largestLoadBytes = max(largestLoadBytes, memoryBytes)
    fetching.observe([1, Double(memoryBytes), Double(diskBytes)], microseconds)
  }

  /// Trusts what is known about fetching less: it was found too slow to be tried.
  package mutating func forgetFetching() { fetching.forget() }

  /// Time to compute positions `range` of one sequence, `chunk` positions a step.
  package func computeMicroseconds(_ range: Range<Int>, chunk: Int) -> Double {
    guard !range.isEmpty else { return 0 }
    var work = StepWork()
    work.add(range)
    let steps = (range.count + chunk - 1) / chunk
    return computing.value(
      [Double(steps), Double(work.positions), Double(work.contextPositions)]
    )
  }

  /// The least time after which positions `range` of one sequence are there: all computed, or some of the
  /// first `fetchable` fetched. Of fetching only what has been measured is taken to cost anything: no load
  /// costs more than the largest one that was seen.
  ///
  /// - Parameters:
  ///   - fetchable: At most `range.count`.
  ///   - chunk: Positions of the sequence in one step.
  package func leastMicroseconds(
    _ range: Range<Int>,
    fetchable: Int,
    bytesPerPosition: Double,
    chunk: Int
  ) -> Double {
    // With parts of steps, computing is concave in where it begins, and so is its sum with fetching:
    // one of the ends is the least.
    func computing(from start: Int) -> Double {
      var work = StepWork()
      work.add(start..<range.upperBound)
      return self.computing.value([
        Double(work.positions) / Double(chunk), Double(work.positions),
        Double(work.contextPositions),
      ])
    }
    let all = computing(from: range.lowerBound)
    guard fetchable > 0 else { return all }
    let bytes = min(Double(fetchable) * bytesPerPosition, Double(largestLoadBytes))
    let perByte = min(fetching.weights[1], fetching.weights[2])
    let fetch = bytes > 0 ? fetching.weights[0] + perByte * bytes : 0
    return min(all, fetch + computing(from: range.lowerBound + fetchable))
  }

  /// Time to fetch so many bytes, those that wait before them included.
  package func fetchMicroseconds(memoryBytes: Int, diskBytes: Int) -> Double {
    fetching.value([1, Double(memoryBytes), Double(diskBytes)])
  }

  /// Before the first byte of a load arrives.
  package var latencyMicroseconds: Double { fetching.weights[0] }
  /// Microseconds a byte from the store's memory, and from its disk.
  package var microsecondsPerByte: (memory: Double, disk: Double) {
    (fetching.weights[1], fetching.weights[2])
  }
  /// Microseconds for one position at a sequence's beginning, and what each before it adds.
  package var microsecondsPerPosition: (first: Double, perContext: Double) {
    (computing.weights[1], computing.weights[2])
  }
}
