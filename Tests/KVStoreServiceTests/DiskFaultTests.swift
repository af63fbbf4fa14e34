import GRPCCore
import Glibc
import KVStoreWire
import MeshProtos
import ServiceTesting
import Testing

@Suite("A disk that fails")
struct DiskFaultTests {
  private let before = blocks(0..<8)
  private let after = blocks(8..<16)

  /// Runs `body` with a store that has ``before`` on disk alone, and its device.
  private func withBlocksOnDisk(
    _ body: (TestStore, FaultingDevice) async throws -> Void
  ) async throws {
    try await withTemporaryDirectory { directory in
      let flags = DiskTierTests.disk(directory)
      let device = try FaultingDevice(path: "\(directory)/segments")
      try await TestStore.with(flags, device: device) { store in
        try await store.put(before)
        try await eventually { try await store.status().disk.blocks == 8 }
      }
      try await TestStore.with(flags, device: device) { store in
        try await body(store, device)
      }
    }
  }

  @Test(
    "writes that fail are refused and counted, and reads go on",
    arguments: [EIO, ENOSPC],
    [FaultingDevice.Operation.write, .create]
  )
  func failingWrites(code: Int32, operation: FaultingDevice.Operation) async throws {
    try await withBlocksOnDisk { store, device in
      device.set(.error(code), on: operation)
      // More than the open segment has room for, so that a new one is wanted.
      for start in stride(from: 100, to: 164, by: 4) {
        let outcomes = try await store.put(blocks(start..<start + 4))
        #expect(outcomes == [0, 0, 0, 0])
        try await eventually {
          let disk = try await store.status().disk
          let refused = disk.refusedFailedTotal + disk.refusedFullTotal
          return disk.storedTotal + refused == UInt64(start - 96)
        }
      }
      let disk = try await store.status().disk
      #expect(code == EIO ? disk.refusedFailedTotal > 0 : disk.refusedFullTotal > 0)
      let got = try await store.get(before)
      #expect(got.hasPayloads(of: before))
      #expect(got.map(\.tier) == before.map { _ in .ssd })
      #expect(try await store.get(blocks(100..<164)).count == 64)

      device.set(nil, on: operation)
      let stored = try await store.status().disk.storedTotal
      try await store.put(after)
      try await eventually { try await store.status().disk.storedTotal > stored }
    }
  }

  @Test("writes that take little at a time are complete in the end")
  func shortWrites() async throws {
    try await withBlocksOnDisk { store, device in
      device.set(.short(4096), on: .write)
      try await store.put(after)
      try await eventually { try await store.status().disk.blocks == 16 }
      device.set(nil, on: .write)
    }
  }

  @Test("write-through: who stores more than the disk takes waits, and nothing is left out")
  func slowWrites() async throws {
    try await withBlocksOnDisk { store, device in
      let gate = FaultingDevice.Gate()
      device.set(.wait(gate), on: .write)
      // 1 MiB may wait to be written; this is more.
      let many = blocks(100..<140)
      async let outcomes = store.put(many)
      try await eventually { try await store.status().memory.blocks > 16 }
      gate.open()
      #expect(try await outcomes == many.map { _ in 0 })
      try await eventually { try await store.status().disk.blocks == 48 }
      #expect(try await store.status().disk.droppedTotal == 0)
    }
  }

  @Test("a block that cannot be read is a miss, and can be put again")
  func failingReads() async throws {
    try await withBlocksOnDisk { store, device in
      device.set(.error(EIO), on: .read)
      let got = try await store.get(before)
      #expect(got.isEmpty)
      #expect(try await store.status().disk.readErrorsTotal == 8)
      #expect(try await store.status().memory.missesTotal == 8)
      device.set(nil, on: .read)
      #expect(try await store.put(before) == before.map { _ in 0 })
      #expect(try await store.get(before).hasPayloads(of: before))
    }
  }

  @Test("a disk that cannot sync keeps serving")
  func failingSync() async throws {
    try await withBlocksOnDisk { store, device in
      device.set(.error(EIO), on: .sync)
      try await store.put(after)
      try await eventually { try await store.status().disk.blocks == 16 }
      #expect(try await store.get(before).hasPayloads(of: before))
    }
  }
}
