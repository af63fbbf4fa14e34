import Scheduling
import TestSupport
import Testing

@Suite("The cost of computing and of fetching")
struct TransferModelTests {
  /// A machine of known speed, whose measurements are off by up to `noise` of their value.
  struct Machine {
    var perStep = 2500.0
    var perPosition = 800.0
    var perContext = 0.2
    var latency = 1500.0
    var memoryPerByte = 1.0 / 900
    var diskPerByte = 1.0 / 400
    var noise = 0.0

    static let blockBytes = 368_672

    func compute(_ range: Range<Int>, chunk: Int) -> Double {
      var work = TransferModel.StepWork()
      work.add(range)
      let steps = (range.count + chunk - 1) / chunk
      return Double(steps) * perStep + Double(work.positions) * perPosition
        + Double(work.contextPositions) * perContext
    }

    func load(memoryBytes: Int, diskBytes: Int) -> Double {
      latency + Double(memoryBytes) * memoryPerByte + Double(diskBytes) * diskPerByte
    }

    /// What a model learns of some steps and loads.
    func teach(_ model: inout TransferModel, _ count: Int, _ random: inout SeededGenerator) {
      for _ in 0..<count {
        let first = Int.random(in: 0..<4000, using: &random)
        let chunk = Int.random(in: 1...256, using: &random)
        var work = TransferModel.StepWork()
        work.add(first..<first + chunk)
        model.observe(
          work,
          microseconds: noisy(compute(first..<first + chunk, chunk: chunk), &random)
        )
        let bytes = Int.random(in: 1...200, using: &random) * Self.blockBytes
        let isDisk = Bool.random(using: &random)
        let time = load(memoryBytes: isDisk ? 0 : bytes, diskBytes: isDisk ? bytes : 0)
        model.observeLoad(
          memoryBytes: isDisk ? 0 : bytes,
          diskBytes: isDisk ? bytes : 0,
          microseconds: noisy(time, &random)
        )
      }
    }

    private func noisy(_ value: Double, _ random: inout SeededGenerator) -> Double {
      value * (1 + Double.random(in: -noise...noise, using: &random))
    }
  }

  private func plan(
    _ model: TransferModel,
    _ stored: StoredPrefix,
    hit: Int = 0,
    usable: Int = .max,
    queued: TransferModel.FetchBytes = .init()
  ) -> FetchPlan {
    model.planFetch(
      stored,
      hitBlocks: hit,
      usableBlocks: min(usable, 10_000),
      blockBytes: Machine.blockBytes,
      blockSize: 16,
      chunk: 256,
      queued: queued
    )
  }

  @Test("What a worker measured at its start is where its costs begin")
  func measured() {
    let machine = Machine(perContext: 0.24)
    let prompt = machine.compute(0..<512, chunk: 512), single = machine.compute(0..<1, chunk: 1)
    let speed = WorkerSpeed(
      prefillTokensPerSecond: 512 * 1e6 / prompt,
      decodeTokensPerSecond: 1e6 / single
    )
    let model = TransferModel(speed, positions: 512)
    #expect(abs(model.computeMicroseconds(0..<512, chunk: 512) / prompt - 1) < 1e-9)
    #expect(abs(model.computeMicroseconds(0..<1, chunk: 1) / single - 1) < 1e-9)
    #expect(abs(model.microsecondsPerPosition.first / machine.perPosition - 1) < 1e-3)
    #expect(abs(model.microsecondsPerPosition.perContext / machine.perContext - 1) < 1e-3)
    // Fetching was not measured.
    #expect(model.latencyMicroseconds == TransferModel().latencyMicroseconds)
  }

  @Test("Speeds that contradict each other still make a model")
  func contradiction() {
    // A token alone slower than a prompt, and prompts of one token.
    for (prefill, decode, positions) in [(1e9, 0.001, 512), (0.001, 1e9, 512), (10, 10, 1)] {
      let speed = WorkerSpeed(prefillTokensPerSecond: prefill, decodeTokensPerSecond: decode)
      let cost = TransferModel(speed, positions: positions).computeMicroseconds(0..<100, chunk: 50)
      #expect(cost.isFinite && cost > 0)
    }
  }

  @Test("Whatever a worker says of its loads, estimates stay numbers")
  func absurd() {
    for (memory, disk) in [(Int.max, Int.max), (Int.max, 1), (1, Int.max), (1, 1), (0, 0)] {
      for microseconds in [0, 1, Double(UInt64.max)] {
        var model = TransferModel()
        for _ in 0..<3 {
          model.observeLoad(memoryBytes: memory, diskBytes: disk, microseconds: microseconds)
        }
        let time = model.fetchMicroseconds(memoryBytes: 1 << 20, diskBytes: 1 << 20)
        #expect(time.isFinite && time > 0, "\(memory), \(disk) bytes in \(microseconds): \(time)")
      }
    }
  }

  @Test("It learns a machine's speeds from its steps and loads", arguments: 0..<20 as Range<UInt64>)
  func learns(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let machine = Machine(noise: 0.1)
    var model = TransferModel()
    machine.teach(&model, 200, &random)
    for tokens in [64, 512, 4096] {
      let ratio =
        model.computeMicroseconds(0..<tokens, chunk: 256) / machine.compute(0..<tokens, chunk: 256)
      #expect((0.85...1.15).contains(ratio), "seed \(seed): \(tokens) tokens: \(ratio)")
    }
    for blocks in [4, 128] {
      let bytes = blocks * Machine.blockBytes
      let ratio =
        model.fetchMicroseconds(memoryBytes: bytes, diskBytes: 0)
        / machine.load(memoryBytes: bytes, diskBytes: 0)
      #expect((0.7...1.4).contains(ratio), "seed \(seed): \(blocks) blocks: \(ratio)")
    }
  }

  @Test("It follows a machine whose speeds change")
  func follows() {
    var random = SeededGenerator(seed: 1)
    var model = TransferModel()
    Machine().teach(&model, 200, &random)
    let slower = Machine(perPosition: 3000, diskPerByte: 1.0 / 20)
    slower.teach(&model, 200, &random)
    let time = slower.compute(0..<1000, chunk: 256)
    #expect(abs(model.computeMicroseconds(0..<1000, chunk: 256) / time - 1) < 0.1)
    let load = slower.load(memoryBytes: 0, diskBytes: 1 << 25)
    #expect(abs(model.fetchMicroseconds(memoryBytes: 0, diskBytes: 1 << 25) / load - 1) < 0.1)
  }

  @Test("What is not tried any more is believed less, until it is tried again")
  func forgets() {
    var random = SeededGenerator(seed: 2)
    let hopeless = Machine(memoryPerByte: 1, diskPerByte: 1)
    var model = TransferModel()
    hopeless.teach(&model, 50, &random)
    let stored = StoredPrefix(stretches: [.init(tier: .memory, blockCount: 100)])
    #expect(plan(model, stored).decision == StoreDecision(action: .recompute, reason: .slower))
    var refusals = 0
    while plan(model, stored).decision?.action == .recompute, refusals < 1000 {
      model.forgetFetching()
      refusals += 1
    }
    #expect((20..<1000).contains(refusals))
  }

  @Test("A store that is slow in itself is fetched from only as far as that pays")
  func partial() {
    var random = SeededGenerator(seed: 3)
    var model = TransferModel()
    Machine(diskPerByte: 1).teach(&model, 200, &random)
    let stored = StoredPrefix(stretches: [
      .init(tier: .memory, blockCount: 60), .init(tier: .disk, blockCount: 60),
    ])
    #expect(plan(model, stored).blockCount == 60)
    #expect(plan(model, stored, hit: 60).decision?.reason == .slower)
    #expect(plan(model, stored, hit: 60).blockCount == 60)
  }

  @Test("What the store itself expects counts if it is longer")
  func toldByTheStore() {
    let busy = StoredPrefix(stretches: [
      .init(tier: .memory, blockCount: 10, estimatedMicroseconds: 1e9)
    ])
    #expect(plan(TransferModel(), busy).decision?.action == .recompute)
  }

  @Test("Behind a long queue of loads, computing is faster; the reason is told")
  func queue() {
    let stored = StoredPrefix(stretches: [.init(tier: .memory, blockCount: 40)])
    var queued = TransferModel.FetchBytes()
    queued.memory = 20_000 * Machine.blockBytes
    let plan = plan(TransferModel(), stored, queued: queued)
    #expect(plan.decision == StoreDecision(action: .recompute, reason: .queue))
  }

  @Test("Blocks in the worker, and those that must be computed anyway, are not fetched")
  func range() {
    let stored = StoredPrefix(stretches: [.init(tier: .memory, blockCount: 40)])
    let model = TransferModel()
    #expect(plan(model, stored, hit: 40).decision == nil)
    #expect(plan(model, stored, hit: 50).blockCount == 50)
    #expect(plan(model, stored, hit: 3, usable: 20).blockCount == 20)
    #expect(plan(model, StoredPrefix()).decision == nil)
  }

  @Test(
    "With measured speeds, the faster way is chosen in 95 of 100 cases or more",
    arguments: 0..<10 as Range<UInt64>
  )
  func choice(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var right = 0
    let cases = 400
    for _ in 0..<cases {
      let bandwidth = Double.random(in: 5...2000, using: &random)
      let machine = Machine(memoryPerByte: 1 / bandwidth, diskPerByte: 1 / bandwidth, noise: 0.1)
      var model = TransferModel()
      machine.teach(&model, 60, &random)
      let blocks = Int.random(in: 4...512, using: &random)
      let stored = StoredPrefix(stretches: [.init(tier: .memory, blockCount: blocks)])
      let fetches = plan(model, stored).decision?.action == .fetch
      let fetching = machine.load(memoryBytes: blocks * Machine.blockBytes, diskBytes: 0)
      let computing = machine.compute(0..<blocks * 16, chunk: 256)
      if fetches == (fetching < computing) { right += 1 }
    }
    #expect(right >= cases * 95 / 100, "seed \(seed): \(right) of \(cases)")
  }

  @Test("The least time is at most what any fetch takes, and little less than the best")
  func leastTime() {
    var random = SeededGenerator(seed: 31)
    for _ in 0..<200 {
      let perByte = 1 / Double.random(in: 1...2000, using: &random)
      let machine = Machine(
        perPosition: Double.random(in: 1...1000, using: &random),
        perContext: Double.random(in: 0...1, using: &random),
        memoryPerByte: perByte,
        diskPerByte: 2 * perByte
      )
      var model = TransferModel()
      machine.teach(&model, 100, &random)
      let hit = Int.random(in: 0...50, using: &random)
      let usable = hit + Int.random(in: 0...150, using: &random)
      let count = usable * 16 + Int.random(in: 1...16, using: &random)
      let best =
        (hit...usable).map { end in
          let bytes = (end - hit) * Machine.blockBytes
          let fetch = end > hit ? model.fetchMicroseconds(memoryBytes: bytes, diskBytes: 0) : 0
          return fetch + model.computeMicroseconds(end * 16..<count, chunk: 64)
        }.min() ?? 0
      let least = model.leastMicroseconds(
        hit * 16..<count,
        fetchable: (usable - hit) * 16,
        bytesPerPosition: Double(Machine.blockBytes) / 16,
        chunk: 64
      )
      let step = model.computeMicroseconds(0..<1, chunk: 64)
      #expect(least <= best * (1 + 1e-9))
      #expect(least >= best - step - 1e-6)
    }
  }

  @Test("Of fetching, what was never measured may take no time")
  func leastTimeUnmeasured() {
    var model = TransferModel()
    func least() -> Double {
      model.leastMicroseconds(0..<161, fetchable: 160, bytesPerPosition: 1e6, chunk: 64)
    }
    let last = model.leastMicroseconds(160..<161, fetchable: 0, bytesPerPosition: 0, chunk: 64)
    #expect(least() == last)
    // Nothing larger than this one was seen: more bytes may come as soon.
    model.observeLoad(memoryBytes: 1_000_000, diskBytes: 0, microseconds: 20_000)
    #expect(abs(least() - last - 20_000) < 2000)
  }
}

@Suite("Least squares")
struct LeastSquaresTests {
  @Test("It says what its prior does, and then what it observes")
  func prior() {
    var model = LeastSquares(prior: [1, 2, 3])
    #expect(model.value([1, 1, 1]) == 6)
    for x in 1...50 {
      model.observe([1, Double(x), Double(x % 7)], 10 + 5 * Double(x) + Double(x % 7))
    }
    #expect(abs(model.value([1, 100, 3]) - 513) < 5)
  }

  @Test("No weight is ever negative, whatever is observed", arguments: 0..<50 as Range<UInt64>)
  func nonNegative(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var model = LeastSquares(prior: [100, 1, 0.01])
    for _ in 0..<100 {
      model.observe(
        [
          1, Double.random(in: 0...1000, using: &random),
          Double.random(in: 0...1e6, using: &random),
        ],
        Double.random(in: 1...1e6, using: &random)
      )
      #expect(model.weights.allSatisfy { $0 >= 0 && $0.isFinite }, "seed \(seed)")
    }
  }

  @Test("What cannot have been measured changes nothing")
  func nonsense() {
    var model = LeastSquares(prior: [1, 1, 1])
    for value in [0, -1, .nan, .infinity] as [Double] { model.observe([1, 1, 1], value) }
    model.observe([1, .nan, 1], 5)
    model.observe([1, -1, 1], 5)
    #expect(model.weights == [1, 1, 1])
  }
}
