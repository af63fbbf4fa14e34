import MeshTypes
import Scheduling
import Testing

@Suite("Cancellation")
struct CancellationTests {
  let id = SequenceID(1)

  func expectCancelled(_ mesh: inout FakeMesh, generated: Int? = nil) throws {
    guard case .finished(.cancelled, let usage) = mesh.endings[id] else {
      Issue.record("it must end by cancellation: \(mesh.endings)")
      return
    }
    if let generated { #expect(usage.generatedTokens == generated) }
    try mesh.run()
    try mesh.checkIdle()
  }

  @Test("While it waits")
  func waiting() throws {
    var mesh = try FakeMesh()
    try mesh.submit(.fake(1, prompt: 4, max: 4))
    try mesh.submit(.fake(2, prompt: 4, max: 4))
    try mesh.cancel(id)
    try mesh.join(.fake())
    try expectCancelled(&mesh, generated: 0)
    #expect(mesh.plans.flatMap(\.starts).map(\.id.rawValue) == [2])
  }

  @Test("In the middle of its prompt: blocks are free at once, the worker learns by the next plan")
  func prefill() throws {
    var mesh = try FakeMesh()
    let epoch = try mesh.join(.fake(blocks: 64, batchTokens: 8))
    try mesh.submit(.fake(1, prompt: 30, max: 4))
    try mesh.round()
    #expect(mesh.freeBlocks == [56])
    try mesh.cancel(id)
    #expect(mesh.freeBlocks == [64])
    while mesh.links[epoch]?.isIdle == false {
      try mesh.execute(epoch)
      try mesh.deliver(epoch)
    }
    #expect(try mesh.plan().map(\.releases) == [[id]])
    try expectCancelled(&mesh, generated: 0)
  }

  @Test("While it decodes with plans in flight, whose tokens are then discarded")
  func decode() throws {
    var mesh = try FakeMesh()
    try mesh.join(.fake())
    try mesh.submit(.fake(1, prompt: 4, max: 20))
    for _ in 0..<5 { try mesh.round() }
    try mesh.plan()
    try mesh.cancel(id)
    #expect(mesh.freeBlocks == [64])
    try expectCancelled(&mesh, generated: 5)
  }

  @Test("Its blocks are used by the next plan though a plan in flight still writes them")
  func blocksAreReused() throws {
    var mesh = try FakeMesh()
    try mesh.join(.fake(blocks: 4, blockSize: 4))
    try mesh.submit(.fake(1, prompt: 15, max: 2))
    try mesh.submit(.fake(2, prompt: 15, max: 2))
    try mesh.plan()
    try mesh.cancel(id)
    try mesh.run()
    #expect(mesh.output(2)?.count == 2)
  }

  @Test("After it gave way to another")
  func preempted() throws {
    var settings = SchedulerSettings()
    settings.growthHorizonTokens = 0
    var mesh = try FakeMesh(settings)
    try mesh.join(.fake(blocks: 12, blockSize: 1))
    try mesh.submit(.fake(9, prompt: 3, max: 8))
    try mesh.submit(.fake(1, prompt: 3, max: 8))
    while mesh.core.statistics.counters.preemptions == 0 { try mesh.round() }
    #expect(mesh.core.statistics.waitingSequences == 1)
    try mesh.cancel(id)
    #expect(mesh.core.statistics.waitingSequences == 0)
    try expectCancelled(&mesh)
    #expect(mesh.usage(1)?.preemptions == 1)
  }

  @Test("After its worker was lost")
  func orphaned() throws {
    var mesh = try FakeMesh()
    let epoch = try mesh.join(.fake())
    try mesh.submit(.fake(1, prompt: 3, max: 8))
    try mesh.round()
    try mesh.lose(epoch)
    try mesh.cancel(id)
    try expectCancelled(&mesh, generated: 1)
  }

  @Test("A second time, or of a sequence unknown or ended, it does nothing")
  func nothingToCancel() throws {
    var mesh = try FakeMesh()
    try mesh.join(.fake())
    #expect(mesh.core.cancel(id) == nil)
    try mesh.submit(.fake(1, prompt: 3, max: 1))
    try mesh.run()
    #expect(mesh.core.cancel(id) == nil)
  }
}
