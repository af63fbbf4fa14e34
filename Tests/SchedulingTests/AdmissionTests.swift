import MeshTypes
import Scheduling
import Testing

@Suite("Admission")
struct AdmissionTests {
  func expectRefusal(
    _ request: SequenceRequest,
    _ code: MeshError.Code,
    field: String?,
    _ words: String,
    by mesh: FakeMesh,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var mesh = mesh
    let error = #expect(throws: MeshError.self, sourceLocation: sourceLocation) {
      try mesh.core.submit(request)
    }
    #expect(error?.code == code, sourceLocation: sourceLocation)
    #expect(error?.field == field, sourceLocation: sourceLocation)
    #expect(
      error?.message.contains(words) == true,
      "\(String(describing: error))",
      sourceLocation: sourceLocation
    )
  }

  @Test("What is wrong in itself is refused by the name of its field, with or without a worker")
  func invalidArguments() throws {
    let mesh = try FakeMesh()
    expectRefusal(
      .fake(1, tokens: [], max: 1),
      .invalidArgument,
      field: "prompt_token_ids",
      "at least one",
      by: mesh
    )
    expectRefusal(
      .fake(1, tokens: [1], max: 0),
      .invalidArgument,
      field: "max_tokens",
      "1...",
      by: mesh
    )
    var request = SequenceRequest.fake(1, tokens: [1], max: 1)
    request.sampling.temperature = .nan
    expectRefusal(request, .invalidArgument, field: "sampling.temperature", "0...100", by: mesh)
  }

  @Test("An id outside the vocabulary is refused")
  func vocabulary() throws {
    var mesh = try FakeMesh()
    try mesh.join(.fake())
    expectRefusal(
      .fake(1, tokens: [3, 61], max: 1),
      .invalidArgument,
      field: "prompt_token_ids",
      "below 61",
      by: mesh
    )
  }

  @Test("An id in use is refused, one of an ended sequence is not")
  func duplicateID() throws {
    var mesh = try FakeMesh()
    try mesh.submit(.fake(1, prompt: 2, max: 1))
    expectRefusal(.fake(1, prompt: 2, max: 1), .alreadyExists, field: nil, "1", by: mesh)
  }

  @Test("Beyond the context the maximum is named, exactly at it the sequence runs")
  func contextLength() throws {
    var mesh = try FakeMesh()
    try mesh.join(.fake(blocks: 64, context: 20))
    #expect(mesh.core.maxSequenceTokens == 20)
    expectRefusal(
      .fake(1, prompt: 12, max: 9),
      .outOfRange,
      field: "max_tokens",
      "at most 8",
      by: mesh
    )
    expectRefusal(
      .fake(1, prompt: 20, max: 1),
      .outOfRange,
      field: "prompt_token_ids",
      "at most 19",
      by: mesh
    )
    try mesh.submit(.fake(1, prompt: 12, max: 8))
    try mesh.run()
    #expect(mesh.output(1)?.count == 8)
  }

  @Test("What fills every block exactly runs, one token more is refused")
  func blockMemory() throws {
    var mesh = try FakeMesh()
    try mesh.join(.fake(blocks: 3, blockSize: 4))
    // 12 slots; the last of 13 tokens is never computed.
    expectRefusal(
      .fake(1, prompt: 5, max: 9),
      .outOfRange,
      field: "max_tokens",
      "at most 8",
      by: mesh
    )
    try mesh.submit(.fake(1, prompt: 5, max: 8))
    try mesh.run()
    #expect(mesh.output(1)?.count == 8)
    try mesh.checkIdle()
  }

  @Test("The queue is bounded; running sequences do not count")
  func boundedQueue() throws {
    var settings = SchedulerSettings()
    settings.maxWaitingSequences = 2
    var mesh = try FakeMesh(settings)
    try mesh.join(.fake(batchSequences: 1))
    try mesh.submit(.fake(1, prompt: 3, max: 5))
    try mesh.plan()
    try mesh.submit(.fake(2, prompt: 3, max: 5))
    try mesh.submit(.fake(3, prompt: 3, max: 5))
    expectRefusal(.fake(4, prompt: 3, max: 5), .resourceExhausted, field: nil, "again", by: mesh)
    try mesh.run()
    #expect(mesh.endings.count == 3)
  }

  @Test("A full queue says when to try again: the later, the more there is to compute")
  func retryAdvice() throws {
    func advice(prompt: Int, workers: Int) throws -> Int? {
      var settings = SchedulerSettings()
      settings.maxWaitingSequences = 10
      var mesh = try FakeMesh(settings)
      for name in 0..<workers { try mesh.join(.fake("\(name)", blocks: 4096, batchSequences: 1)) }
      for id in 1...10 as ClosedRange<UInt64> {
        try mesh.submit(.fake(id, prompt: prompt, max: 5))
      }
      do {
        try mesh.submit(.fake(11, prompt: 3, max: 5))
        return nil
      } catch {
        return (error as? MeshError)?.retryAfterMilliseconds
      }
    }
    let short = try #require(try advice(prompt: 3, workers: 1))
    let long = try #require(try advice(prompt: 4000, workers: 1))
    let shared = try #require(try advice(prompt: 4000, workers: 4))
    #expect(short == 100)
    // A millisecond a token is the guess while nothing is known; a tenth of the queue.
    #expect((3800...4200).contains(long))
    #expect((900...1100).contains(shared))
  }

  @Test("Without a worker sequences wait for one")
  func waitsForWorker() throws {
    var mesh = try FakeMesh()
    try mesh.submit(.fake(1, prompt: 3, max: 4))
    #expect(try mesh.plan().isEmpty)
    try mesh.join(.fake())
    try mesh.run()
    #expect(mesh.output(1)?.count == 4)
  }

  @Test("One that waited without a worker fails when the worker that comes is too small")
  func tooLargeForTheFirstWorker() throws {
    var mesh = try FakeMesh()
    try mesh.submit(.fake(1, prompt: 30, max: 30))
    try mesh.submit(.fake(2, prompt: 3, max: 3))
    try mesh.join(.fake(blocks: 2))
    #expect(
      mesh.endings[SequenceID(1)] == .failed(.outOfRange, SequenceUsage(promptTokens: 30))
    )
    try mesh.run()
    #expect(mesh.output(2)?.count == 3)
  }

  @Test("A large sequence is not overtaken by small ones that would take its room")
  func noOvertaking() throws {
    var mesh = try FakeMesh()
    try mesh.join(.fake(blocks: 8, blockSize: 4))
    try mesh.submit(.fake(1, prompt: 16, max: 4))
    try mesh.plan()
    try mesh.submit(.fake(2, prompt: 28, max: 4))
    for id in 3...6 as ClosedRange<UInt64> { try mesh.submit(.fake(id, prompt: 3, max: 4)) }
    while mesh.endings.isEmpty { try mesh.round() }
    try mesh.plan()
    let started = mesh.plans.flatMap(\.starts).map(\.id.rawValue)
    #expect(started.prefix(2) == [1, 2])
    try mesh.run()
  }

  @Test("Settings and capabilities out of range are named")
  func ranges() throws {
    var settings = SchedulerSettings()
    settings.maxPlansInFlight = 0
    #expect(throws: MeshError.invalid("max_plans_in_flight", "must be in 1...8, got 0")) {
      try SchedulerCore(settings: settings)
    }
    var core = try SchedulerCore()
    #expect(throws: MeshError.self) { try core.join(.fake(blocks: 0)) }
    #expect(throws: MeshError.self) { try core.join(.fake(blocks: .max)) }
    #expect(throws: MeshError.self) { try core.join(.fake(speed: .nan)) }
  }
}
