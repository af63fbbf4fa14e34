import GRPCCore
import Glibc
import KVStoreService
import KVStoreWire
import MeshProtos
import MeshTypes
import ServiceTesting
import Subprocess
import SwiftProtobuf
import Synchronization
import TestSupport
import Testing

@Suite("weft-kvstore as a process", .serialized)
struct ExecutableTests {
  private static let small = [
    "memory-mib": "8", "slab-bytes": "\(1 << 20)", "max-block-bytes": "\(256 << 10)",
    "disk-mib": "64", "segment-mib": "4", "disk-writes": "write-through",
  ]

  @Test("a process that is asked to stop writes what waits, and the next one has it")
  func gracefulStop() async throws {
    let blocks = blocks(0..<30)
    try await withTemporaryDirectory { directory in
      let flags = Self.small.merging(["directory": "\(directory)/segments"]) { $1 }
      let (outcomes, status) = try await StoreProcess.with(flags) { store, _ in
        try await store.put(blocks)
      }
      #expect(outcomes == blocks.map { _ in 0 })
      #expect(status.isSuccess)
      let (got, _) = try await StoreProcess.with(flags) { store, _ in
        try await store.get(blocks)
      }
      #expect(got.count == 30)
      #expect(got.hasPayloads(of: blocks))
      #expect(got.allSatisfy { $0.tier == .ssd })
    }
  }

  @Test("killed under 8 writers, it never gives a wrong byte afterwards", arguments: [1])
  func kills(seed: UInt64) async throws {
    var generator = SeededGenerator(seed: seed)
    try await withTemporaryDirectory { directory in
      let flags = Self.small.merging(["directory": "\(directory)/segments"]) { $1 }
      var survivors = 0
      for _ in 0..<6 {
        let outcomesUntilKill = Int.random(in: 50...400, using: &generator)
        let seeds = (0..<8).map { _ in generator.next() }
        let (found, status) = try await StoreProcess.with(flags) { store, pid in
          let found = try await verify(store)
          try await writeUntilKilled(store, pid, after: outcomesUntilKill, seeds)
          return found
        }
        #expect(!status.isSuccess)
        survivors += found
      }
      #expect(survivors > 0)
    }
  }

  private static let numberCount = 600

  /// A block whose size belongs to its number.
  private func block(_ number: Int) -> TestBlock {
    TestBlock(number, byteCount: 1 + number * 7919 % (96 << 10))
  }

  /// - Returns: How many blocks there are, all with the bytes that belong to them.
  private func verify(_ store: TestStore) async throws -> Int {
    let all = (0..<Self.numberCount).map(block)
    let got = try await store.get(all)
    #expect(got.isEmpty || got.hasPayloads(of: all))
    return got.count
  }

  private func writeUntilKilled(
    _ store: TestStore,
    _ pid: pid_t,
    after outcomeCount: Int,
    _ seeds: [UInt64]
  ) async throws {
    let outcomes = Counter()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for seed in seeds {
        group.addTask {
          var generator = SeededGenerator(seed: seed)
          while true {
            let some = (0..<4).map { _ in
              block(Int.random(in: 0..<Self.numberCount, using: &generator))
            }
            guard let codes = try? await store.put(some) else { return }
            #expect(codes.allSatisfy { $0 == 0 || $0 == 8 })
            outcomes.value.add(codes.count, ordering: .relaxed)
          }
        }
      }
      try await eventually { outcomes.value.load(ordering: .relaxed) >= outcomeCount }
      kill(pid, SIGKILL)
      try await group.waitForAll()
    }
  }

  private final class Counter: Sendable {
    let value = Atomic(0)
  }

  @Test(
    "on a full disk inserts are refused and counted, and reads go on",
    .enabled(if: SmallDisk.canMount, "needs root that may mount a tmpfs")
  )
  func fullDisk() async throws {
    let blocks = blocks(0..<64, byteCount: 32 << 10)
    try await withTemporaryDirectory { directory in
      let disk = try SmallDisk(at: directory)
      defer { disk.unmount() }
      let flags = Self.small.merging([
        "directory": "\(directory)/segments", "disk-mib": "3", "segment-mib": "1",
        "max-block-bytes": "\(64 << 10)",
      ]) { $1 }
      let (status, _) = try await StoreProcess.with(flags) { store, _ in
        #expect(try await store.put(blocks) == blocks.map { _ in 0 })
        try await eventually { try await store.status().disk.refusedFullTotal > 0 }
        #expect(try await store.get(blocks).hasPayloads(of: blocks))
        return try await store.status()
      }
      #expect(status.disk.blocks > 0)
      let (got, _) = try await StoreProcess.with(flags) { store, _ in
        try await store.get(blocks)
      }
      #expect(got.hasPayloads(of: blocks))
      #expect(got.allSatisfy { $0.tier == .ssd })
    }
  }

  @Test("a setting out of range is named")
  func badSettings() async throws {
    for (name, value) in [
      ("slab-bytes", "5000"), ("eviction-policy", "random"), ("disk-writes", "never"),
      ("segment-mib", "5"), ("disk-mib", "5"), ("disk-io", "mmap"),
      ("disk-compression", "zstd-9"),
    ] {
      let flags = ["directory": "/nonexistent/weft"].merging([name: value]) { $1 }
      let error = await #expect(throws: MeshError.self) {
        try await KVStoreSettings(try await settings(flags))
      }
      #expect(error?.code == .invalidArgument)
      #expect(error?.field == name)
    }
  }
}
