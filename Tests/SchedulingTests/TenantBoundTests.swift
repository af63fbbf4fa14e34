import MeshTypes
import Scheduling
import Testing

@Suite("A bound on what one tenant may have waiting")
struct TenantBoundTests {
  private func mesh(bound: Int?) throws -> FakeMesh {
    var settings = SchedulerSettings()
    settings.maxWaitingSequences = 8
    settings.maxWaitingSequencesPerTenant = bound
    var mesh = try FakeMesh(settings)
    try mesh.join(.fake(batchSequences: 1))
    return mesh
  }

  private func error(_ id: UInt64, salt: [UInt8], in mesh: inout FakeMesh) -> MeshError? {
    do {
      try mesh.submit(.fake(id, prompt: 4, max: 4, salt: salt))
      return nil
    } catch {
      return error as? MeshError
    }
  }

  @Test("refuses what is beyond it, with advice when to try again; other tenants have theirs")
  func refused() throws {
    var mesh = try mesh(bound: 2)
    for id in 1...2 as ClosedRange<UInt64> { #expect(error(id, salt: [1], in: &mesh) == nil) }
    let refusal = try #require(error(3, salt: [1], in: &mesh))
    #expect(refusal.code == .resourceExhausted)
    #expect(refusal.message.contains("2 sequences of this tenant"))
    #expect(refusal.retryAfterMilliseconds == 100)
    for id in 4...5 as ClosedRange<UInt64> { #expect(error(id, salt: [2], in: &mesh) == nil) }
    // Those without a salt are one tenant.
    for id in 6...7 as ClosedRange<UInt64> { #expect(error(id, salt: [], in: &mesh) == nil) }
    #expect(error(8, salt: [], in: &mesh)?.code == .resourceExhausted)
    try mesh.run()
    try mesh.checkIdle()
  }

  @Test("does not count those that run, that have ended or were cancelled")
  func counted() throws {
    var mesh = try mesh(bound: 1)
    #expect(error(1, salt: [1], in: &mesh) == nil)
    try mesh.plan()
    #expect(error(2, salt: [1], in: &mesh) == nil)
    #expect(error(3, salt: [1], in: &mesh)?.code == .resourceExhausted)
    try mesh.cancel(SequenceID(2))
    #expect(error(4, salt: [1], in: &mesh) == nil)
    try mesh.run()
    #expect(error(5, salt: [1], in: &mesh) == nil)
    try mesh.run()
    try mesh.checkIdle()
  }

  @Test("does not keep those of a lost worker from coming back, but those after them from coming")
  func requeued() throws {
    var mesh = try mesh(bound: 1)
    #expect(error(1, salt: [1], in: &mesh) == nil)
    try mesh.plan()
    #expect(error(2, salt: [1], in: &mesh) == nil)
    let epoch = try #require(mesh.links.keys.first)
    try mesh.lose(epoch)
    #expect(mesh.core.statistics.waitingSequences == 2)
    #expect(error(3, salt: [1], in: &mesh)?.code == .resourceExhausted)
    try mesh.join(.fake(batchSequences: 1))
    try mesh.run()
    #expect(mesh.output(1)?.count == 4)
    #expect(mesh.output(2)?.count == 4)
  }

  @Test("is the whole queue if there is none")
  func unbounded() throws {
    var mesh = try mesh(bound: nil)
    for id in 1...8 as ClosedRange<UInt64> { #expect(error(id, salt: [1], in: &mesh) == nil) }
    #expect(error(9, salt: [2], in: &mesh)?.message.contains("8 sequences wait") == true)
  }
}
