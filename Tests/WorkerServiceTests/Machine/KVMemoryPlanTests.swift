import MeshTypes
import ServiceTesting
import Testing
import WorkerService

@Suite("How much memory KV blocks get")
struct KVMemoryPlanTests {
  private static let mebibyte = 1 << 20

  /// A machine or group of `limit` MiB with `used` MiB in use.
  private func limit(_ limit: Int, used: Int, name: String = "the machine") -> MemoryLimit {
    MemoryLimit(
      name: name,
      limitBytes: limit * Self.mebibyte,
      usedBytes: used * Self.mebibyte
    )
  }

  /// Blocks of 1 MiB, of which a step needs 32.
  private func blockCount(
    _ flags: [String: String],
    _ limits: [MemoryLimit]
  ) async throws -> Int {
    let engine = try await EngineSettings(try await settings(flags))
    return try KVMemoryPlan(settings: engine, blockBytes: Self.mebibyte, minimumBlocks: 32)
      .blockCount(within: limits)
  }

  private func expectRefusal(
    _ field: String,
    _ flags: [String: String],
    _ limits: [MemoryLimit],
    saying texts: String...
  ) async {
    let error = await #expect(throws: MeshError.self) { _ = try await blockCount(flags, limits) }
    #expect(error?.code == .resourceExhausted)
    #expect(error?.field == field)
    for text in texts { #expect(error?.message.contains(text) == true, "\(error?.message ?? "")") }
  }

  @Test("by default: 1 GiB, or what 90 % of the tightest limit leaves if that is less")
  func defaults() async throws {
    #expect(try await blockCount([:], [limit(16_000, used: 4000)]) == 1024)
    #expect(try await blockCount([:], [limit(16_000, used: 14_000)]) == 400)
    let group = limit(1000, used: 300, name: "the group")
    #expect(try await blockCount([:], [limit(16_000, used: 4000), group]) == 600)
    #expect(try await blockCount([:], []) == 1024)
  }

  @Test("with a share: all of it")
  func share() async throws {
    #expect(
      try await blockCount(["memory-utilization": "0.5"], [limit(16_000, used: 4000)]) == 4000
    )
  }

  @Test("with a size or a count: that, whatever the share")
  func explicit() async throws {
    let limits = [limit(1000, used: 300)]
    #expect(try await blockCount(["kv-memory-mib": "650"], limits) == 650)
    #expect(try await blockCount(["kv-blocks": "5"], limits) == 5)
  }

  @Test("however small blocks are: no more than a scheduler takes")
  func most() async throws {
    let engine = try await EngineSettings(try await settings(["kv-memory-mib": "8192"]))
    let plan = KVMemoryPlan(settings: engine, blockBytes: 1024, minimumBlocks: 32)
    #expect(try plan.blockCount(within: []) == 4_194_304)
  }

  @Test("too little memory: what is needed, what there is, and whose limit that is")
  func tooLittle() async {
    let limits = [limit(16_000, used: 4000), limit(1000, used: 300, name: "the group")]
    await expectRefusal(
      "kv-memory-mib",
      ["kv-memory-mib": "701"],
      limits,
      saying: "need 701 MiB",
      "700 MiB are left",
      "the group's 1000 MiB",
      "300 MiB in use"
    )
    await expectRefusal("kv-blocks", ["kv-blocks": "4194304"], limits)
    await expectRefusal(
      "memory-utilization",
      [:],
      [limit(1000, used: 880)],
      saying: "need 32 MiB",
      "20 MiB are left"
    )
    await expectRefusal("memory-utilization", [:], [limit(1000, used: 2000)], saying: "0 MiB are")
  }

  @Test("settings out of range are named")
  func range() async {
    for (name, value) in [
      ("memory-utilization", "0"), ("memory-utilization", "1.1"), ("pin-threads", "yes"),
      ("kv-blocks", "4194305"),
    ] {
      let error = await #expect(throws: MeshError.self) {
        _ = try await EngineSettings(try await settings([name: value]))
      }
      #expect(error?.field == name)
    }
  }
}
