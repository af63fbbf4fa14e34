import FoundationEssentials
import GRPCCore
import MeshProtos
import ServiceTesting
import SwiftProtobuf
import Synchronization
import Testing

@Suite("Leases and tenants")
struct LeaseTests {
  /// Milliseconds that pass when a test says so.
  private final class Clock: Sendable {
    let now = Atomic<UInt64>(1000)
    var milliseconds: @Sendable () -> UInt64 { { self.now.load(ordering: .relaxed) } }
  }

  private func acquire(
    _ blocks: [TestBlock],
    _ store: TestStore,
    milliseconds: UInt32 = 100
  ) async throws -> Weft_Kvstore_V1_AcquireLeaseResponse {
    try await store.client.acquireLease(
      .with {
        $0.namespace = "shared"
        $0.keys = blocks.keys
        $0.durationMilliseconds = milliseconds
      }
    )
  }

  @Test("a lease keeps the longest prefix until it ends")
  func keeps() async throws {
    let clock = Clock()
    let kept = blocks(0..<4)
    try await TestStore.with(milliseconds: clock.milliseconds) { store in
      try await store.put(kept)
      let lease = try await acquire(kept + [TestBlock(99)], store)
      #expect(lease.lease != 0)
      #expect(lease.blockCount == 4)
      // Far more than the memory holds.
      try await store.put(blocks(100..<400))
      #expect(try await store.lookup(kept).blockCount == 4)
      #expect(try await store.status(ofNamespace: "shared")?.pinnedBytes == 4 * 65_536)
      #expect(try await store.status().memory.leases == 1)

      clock.now.store(1100, ordering: .relaxed)
      #expect(try await store.status().memory.leases == 0)
      try await store.put(blocks(400..<700))
      #expect(try await store.lookup(kept).blockCount == 0)
    }
  }

  @Test("a lease is renewed while it is in force, and released whenever")
  func renewal() async throws {
    let clock = Clock()
    try await TestStore.with(milliseconds: clock.milliseconds) { store in
      try await store.put([TestBlock(1)])
      let lease = try await acquire([TestBlock(1)], store).lease
      func renew(_ lease: UInt64, in namespace: String = "shared") async throws {
        _ = try await store.client.renewLease(
          .with {
            $0.namespace = namespace
            $0.lease = lease
            $0.durationMilliseconds = 100
          }
        )
      }
      clock.now.store(1099, ordering: .relaxed)
      try await renew(lease)
      clock.now.store(1198, ordering: .relaxed)
      #expect(try await store.status().memory.leases == 1)
      #expect(try await rpcError { try await renew(lease, in: "other") }.code == .notFound)
      #expect(try await rpcError { try await renew(77) }.code == .notFound)
      clock.now.store(1199, ordering: .relaxed)
      #expect(try await rpcError { try await renew(lease) }.code == .notFound)
      for lease in [lease, 77] {
        _ = try await store.client.releaseLease(
          .with {
            $0.namespace = "shared"
            $0.lease = lease
          }
        )
      }
      let second = try await acquire([TestBlock(1)], store).lease
      _ = try await store.client.releaseLease(
        .with {
          $0.namespace = "shared"
          $0.lease = second
        }
      )
      #expect(try await store.status().memory.leases == 0)
    }
  }

  @Test("nothing to keep is lease 0; a duration out of range is malformed")
  func bounds() async throws {
    try await TestStore.with { store in
      #expect(try await acquire([TestBlock(1)], store) == .init())
      try await store.put([TestBlock(2)])
      #expect(try await acquire([TestBlock(1), TestBlock(2)], store) == .init())
      for milliseconds in [0, 600_001, UInt32.max] {
        let error = try await rpcError {
          try await acquire([TestBlock(2)], store, milliseconds: milliseconds)
        }
        #expect(error.violatedFields == ["duration_milliseconds"])
      }
      #expect(try await acquire([TestBlock(2)], store, milliseconds: 600_000).blockCount == 1)
    }
  }

  @Test("when all is leased, blocks are refused and counted")
  func exhausted() async throws {
    try await TestStore.with { store in
      let all = blocks(0..<128)
      try await store.put(all)
      let lease = try await acquire(all, store, milliseconds: 600_000)
      #expect(lease.blockCount == 128)
      #expect(try await store.put([TestBlock(500)]) == [8])
      #expect(try await store.status().memory.refusedTotal == 1)
      #expect(try await store.get(all).hasPayloads(of: all))
    }
  }

  @Test("a tenant at its quota gives up its own blocks, nobody else's")
  func quota() async throws {
    try await TestStore.with { store in
      try await store.put(blocks(0..<20), in: "big")
      _ = try await store.client.setQuota(
        .with {
          $0.namespace = "small"
          $0.quotaBytes = 4 * 65_536
        }
      )
      let outcomes = try await store.put(blocks(0..<30), in: "small")
      #expect(outcomes == [Int32](repeating: 0, count: 30))
      #expect(try await store.status(ofNamespace: "small")?.blocks == 4)
      #expect(try await store.status(ofNamespace: "small")?.quotaBytes == 4 * 65_536)
      #expect(try await store.status(ofNamespace: "big")?.blocks == 20)
      #expect(try await store.status(ofNamespace: "big")?.hasQuotaBytes == false)
      #expect(try await store.put([TestBlock(1, byteCount: 256 << 10)], in: "small") == [0])

      _ = try await store.client.setQuota(
        .with {
          $0.namespace = "small"
          $0.quotaBytes = 65_535
        }
      )
      #expect(try await store.status(ofNamespace: "small")?.blocks == 0)
      #expect(try await store.put([TestBlock(2)], in: "small") == [8])
      _ = try await store.client.setQuota(.with { $0.namespace = "small" })
      #expect(try await store.put([TestBlock(2)], in: "small") == [0])
    }
  }

  @Test("the default quota is for who was given none")
  func defaultQuota() async throws {
    try await TestStore.with(["namespace-quota-mib": "1"]) { store in
      try await store.put(blocks(0..<40), in: "a")
      #expect(try await store.status(ofNamespace: "a")?.blocks == 16)
      #expect(try await store.status(ofNamespace: "a")?.quotaBytes == 1 << 20)
    }
  }

  @Test("two namespaces with one key never see each other's block")
  func isolation() async throws {
    let (a, b) = (TestBlock(1), TestBlock(1, version: 1))
    try await TestStore.with { store in
      try await store.put([a], in: "a")
      #expect(try await store.get([a], in: "b").isEmpty)
      #expect(try await store.put([b], in: "b") == [0])
      #expect(try await store.get([a], in: "a").hasPayloads(of: [a]))
      #expect(try await store.get([b], in: "b").hasPayloads(of: [b]))
      #expect(try await store.remove([a], in: "a") == 1)
      #expect(try await store.get([b], in: "b").hasPayloads(of: [b]))
    }
  }
}
