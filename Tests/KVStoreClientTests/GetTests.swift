import BlockCache
import KVStoreClient
import ServiceTesting
import Testing

@Suite("Reading blocks from many stores")
struct GetTests {
  private let keys = BlockKey.some(40)
  private var payloads: [[UInt8]] { keys.indices.map { FakeStore.Block.number($0).payload } }

  @Test("gives them in the order of their keys", arguments: 1...4)
  func order(_ count: Int) async throws {
    let stores = (0..<count).map { _ in FakeStore() }
    try await withCluster(of: stores) { cluster in
      cluster.fill(stores, keys) { .number($0) }
      let (received, report) = await cluster.collect(keys)
      #expect(received == payloads)
      #expect(report == GetReport(blockCount: keys.count, ending: .complete))
      #expect(cluster.statistics.receivedBlocks == keys.count)
      #expect(cluster.statistics.receivedBytes == 100 * keys.count)
    }
  }

  @Test("ends at the first one that is missing")
  func missing() async throws {
    let stores = (0..<3).map { _ in FakeStore() }
    try await withCluster(of: stores) { cluster in
      cluster.fill(stores, keys) { $0 == 21 ? nil : .number($0) }
      let (received, report) = await cluster.collect(keys)
      #expect(received == Array(payloads[..<21]))
      #expect(report == GetReport(blockCount: 21, ending: .missing))
      #expect(cluster.statistics.failedGets == 0)
    }
  }

  @Test("ends where a store breaks off, which is not asked again for a while")
  func failure() async throws {
    let stores = [FakeStore(), FakeStore(.failsAfter(5))]
    try await withCluster(of: stores) { cluster in
      cluster.fill(stores, keys) { .number($0) }
      let owned = keys.indices.filter { cluster.owners(of: keys)[$0] == 1 }
      let (received, report) = await cluster.collect(keys)
      #expect(received == Array(payloads[..<owned[5]]))
      #expect(report == GetReport(blockCount: owned[5], ending: .failed))
      let (_, again) = await cluster.collect(keys)
      #expect(again == GetReport(blockCount: owned[0], ending: .missing))
      #expect(stores[1].callCount == 1)
      #expect(cluster.statistics.failedGets == 1)
    }
  }

  @Test("ends where a store stops sending")
  func stall() async throws {
    let store = FakeStore(.stallsAfter(5))
    let time = ManualTime()
    try await withCluster(of: [store], time: time) {
      $0.stallTimeout = .seconds(1)
    } _: { cluster in
      cluster.fill([store], keys) { .number($0) }
      // A busy machine may keep an honest store silent for as long.
      try await eventually {
        time.advance(by: .seconds(10))
        let (received, report) = await cluster.collect(keys)
        #expect(received == Array(payloads[..<report.blockCount]))
        #expect(report.ending == .stalled)
        return report.blockCount == 5
      }
    }
  }

  @Test("ends at the deadline")
  func deadline() async throws {
    let store = FakeStore(.silent)
    try await withCluster(of: [store]) { cluster in
      let (_, late) = await cluster.collect(keys, deadline: .now + .milliseconds(50))
      #expect(late == GetReport(blockCount: 0, ending: .late))
      let (_, tooLate) = await cluster.collect(keys, deadline: .now - .milliseconds(50))
      #expect(tooLate == GetReport(blockCount: 0, ending: .late))
    }
  }

  @Test("takes a block that was not asked for as a failure")
  func nonsense() async throws {
    let store = FakeStore(.nonsense)
    try await withCluster(of: [store]) { cluster in
      cluster.fill([store], keys) { .number($0) }
      let (received, report) = await cluster.collect(keys)
      #expect(received == [])
      #expect(report == GetReport(blockCount: 0, ending: .failed))
    }
  }

  @Test("ends when the receiver has enough")
  func stopped() async throws {
    let stores = (0..<3).map { _ in FakeStore() }
    try await withCluster(of: stores) { cluster in
      cluster.fill(stores, keys) { .number($0) }
      let report = await cluster.get(keys, in: namespace, deadline: .now + .seconds(30)) {
        place,
        _ in
        place < 7
      }
      #expect(report == GetReport(blockCount: 7, ending: .stopped))
      #expect(cluster.statistics.availableReplicas == 3)
    }
  }

  @Test("ends when its task is cancelled, which says nothing about the store")
  func cancelled() async throws {
    let store = FakeStore(.silent)
    try await withCluster(of: [store]) { cluster in
      let report = try await withThrowingTaskGroup(of: GetReport.self) { group in
        group.addTask { await cluster.collect(keys).report }
        try await eventually { store.callCount == 1 }
        group.cancelAll()
        return try await group.next()
      }
      #expect(report == GetReport(blockCount: 0, ending: .cancelled))
      #expect(cluster.statistics.availableReplicas == 1)
    }
  }
}
