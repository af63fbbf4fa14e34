import FoundationEssentials
import GRPCCore
import KVStoreWire
import MeshProtos
import ServiceTesting
import SwiftProtobuf
import Testing

@Suite("The SSD tier")
struct DiskTierTests {
  /// 64 MiB of segments of 4 MiB.
  static func disk(
    _ directory: String,
    writes: String = "write-through",
    _ more: [String: String] = [:]
  ) -> [String: String] {
    [
      "directory": "\(directory)/segments", "disk-mib": "64", "segment-mib": "4",
      "disk-writes": writes,
    ].merging(more) { $1 }
  }

  @Test(
    "after a restart blocks come from disk, and then from memory",
    arguments: ["auto", "pread"],
    ["none", "zstd-1"]
  )
  func restart(reading: String, compression: String) async throws {
    let blocks = blocks(0..<20)
    let flags = ["disk-io": reading, "disk-compression": compression]
    try await withTemporaryDirectory { directory in
      try await TestStore.with(Self.disk(directory, flags)) { store in
        try await store.put(blocks)
        try await eventually { try await store.status().disk.blocks == 20 }
      }
      try await TestStore.with(Self.disk(directory, flags)) { store in
        let match = try await store.lookup(blocks)
        #expect(match.blockCount == 20)
        #expect(match.stretches.map(\.tier) == [.ssd])
        #expect(match.stretches.map(\.byteCount) == [20 * 65_536])
        #expect(match.stretches.allSatisfy { $0.estimatedMicroseconds > 0 })

        let first = try await store.get(blocks, skipsMissing: false)
        #expect(first.map(\.index) == Array(0..<20))
        #expect(first.hasPayloads(of: blocks))
        #expect(first.allSatisfy { $0.tier == .ssd })

        let second = try await store.get(blocks)
        #expect(second.hasPayloads(of: blocks))
        #expect(second.allSatisfy { $0.tier == .dram })
        #expect(try await store.lookup(blocks).stretches.map(\.tier) == [.dram])
        let status = try await store.status()
        #expect(status.disk.hitsTotal == 20)
        #expect(status.disk.readBytesPerSecond > 0)
        #expect(status.disk.queuedReads == 0)
        #expect(status.memory.hitsTotal == 20)
        #expect(status.memory.readBytesTotal == 40 * 65_536)
      }
    }
  }

  @Test("what is asked for comes in order, wherever it is", arguments: ["auto", "pread"])
  func mixed(reading: String) async throws {
    // 1 block in 3 is in memory, 1 in 10 is nowhere.
    let all = blocks(0..<120, byteCount: 16 << 10)
    let there = all.filter { $0.number % 10 != 9 }
    try await withTemporaryDirectory { directory in
      let flags = Self.disk(directory, ["disk-io": reading])
      try await TestStore.with(flags) { store in
        try await store.put(there)
        try await eventually { try await store.status().disk.blocks == UInt64(there.count) }
      }
      try await TestStore.with(flags) { store in
        _ = try await store.get(there.filter { $0.number % 3 == 0 })
        let got = try await store.get(all)
        #expect(got.map(\.index) == there.map(\.number))
        #expect(got.hasPayloads(of: all))
        #expect(got.allSatisfy { ($0.tier == .dram) == ($0.index % 3 == 0) })
        let first = try await store.get(all, skipsMissing: false)
        #expect(first.map(\.index) == Array(0..<9))
        try await eventually { try await store.status().disk.queuedReads == 0 }
      }
    }
  }

  @Test("payloads that can be compressed take less disk, and come back as they were")
  func compression() async throws {
    let blocks = (0..<16).map { number in
      var block = TestBlock(number)
      block.payload = block.payload.map { $0 % 4 }
      return block
    }
    try await withTemporaryDirectory { directory in
      let flags = Self.disk(directory, ["disk-compression": "zstd-1"])
      try await TestStore.with(flags) { store in
        try await store.put(blocks)
        try await eventually { try await store.status().disk.blocks == 16 }
        #expect(try await store.status().disk.usedBytes < 16 * 65_536 / 2)
      }
      try await TestStore.with(Self.disk(directory)) { store in
        let got = try await store.get(blocks)
        #expect(got.hasPayloads(of: blocks))
      }
    }
  }

  @Test("stretches follow the tiers")
  func stretches() async throws {
    try await withTemporaryDirectory { directory in
      try await TestStore.with(Self.disk(directory)) { store in
        try await store.put(blocks(0..<10))
        try await eventually { try await store.status().disk.blocks == 10 }
      }
      try await TestStore.with(Self.disk(directory)) { store in
        _ = try await store.get(blocks(3..<5))
        let match = try await store.lookup(blocks(0..<12))
        #expect(match.blockCount == 10)
        #expect(match.stretches.map(\.tier) == [.ssd, .dram, .ssd])
        #expect(match.stretches.map(\.blockCount) == [3, 2, 5])
      }
    }
  }

  @Test("a Lookup that prefetches brings blocks to memory")
  func prefetch() async throws {
    let blocks = blocks(0..<10)
    try await withTemporaryDirectory { directory in
      try await TestStore.with(Self.disk(directory)) { store in
        try await store.put(blocks)
        try await eventually { try await store.status().disk.blocks == 10 }
      }
      try await TestStore.with(Self.disk(directory)) { store in
        #expect(try await store.lookup(blocks, prefetch: true).blockCount == 10)
        try await eventually { try await store.lookup(blocks).stretches.map(\.tier) == [.dram] }
        let got = try await store.get(blocks)
        #expect(got.hasPayloads(of: blocks))
        #expect(got.allSatisfy { $0.tier == .dram })
      }
    }
  }

  @Test("the first bytes under a key stay when only the disk has them")
  func conflict() async throws {
    let block = TestBlock(1)
    try await withTemporaryDirectory { directory in
      try await TestStore.with(Self.disk(directory)) { store in
        try await store.put([block])
        try await eventually { try await store.status().disk.blocks == 1 }
      }
      try await TestStore.with(Self.disk(directory)) { store in
        try await store.put([TestBlock(2)])
        #expect(try await store.put([TestBlock(1, version: 1)]) == [6])
        #expect(try await store.put([block]) == [0])
        #expect(try await store.get([block]).hasPayloads(of: [block]))
      }
    }
  }

  @Test("namespaces with the same keys stay apart on disk, and what was removed stays gone")
  func isolation() async throws {
    let (a, b) = (TestBlock(1), TestBlock(1, version: 1))
    try await withTemporaryDirectory { directory in
      try await TestStore.with(Self.disk(directory)) { store in
        try await store.put([a], in: "a")
        try await store.put([b], in: "b")
        try await eventually { try await store.status().disk.blocks == 2 }
      }
      try await TestStore.with(Self.disk(directory)) { store in
        for namespace in ["c", "shared"] {
          #expect(try await store.get([a], in: namespace).isEmpty)
          #expect(try await store.lookup([a], in: namespace).blockCount == 0)
        }
        let (fromA, fromB) = (
          try await store.get([a], in: "a"), try await store.get([b], in: "b")
        )
        #expect(fromA.hasPayloads(of: [a]) && fromA[0].tier == .ssd)
        #expect(fromB.hasPayloads(of: [b]) && fromB[0].tier == .ssd)
        #expect(try await store.remove([a], in: "a") == 1)
        #expect(try await store.get([a], in: "a").isEmpty)
        #expect(try await store.get([b], in: "b").hasPayloads(of: [b]))
      }
    }
  }

  @Test("on the second hit: what was used once is not written")
  func secondHit() async throws {
    let blocks = blocks(0..<8)
    try await withTemporaryDirectory { directory in
      try await TestStore.with(Self.disk(directory, writes: "second-hit")) { store in
        try await store.put(blocks)
        try await eventually { try await store.status().disk.declinedTotal == 8 }
        #expect(try await store.status().disk.blocks == 0)
        _ = try await store.get(Array(blocks[..<3]))
        try await eventually { try await store.status().disk.blocks == 3 }
      }
      try await TestStore.with(Self.disk(directory, writes: "second-hit")) { store in
        let got = try await store.get(blocks)
        #expect(got.map(\.index) == [0, 1, 2])
      }
    }
  }

  @Test("write-back: what leaves memory is written, at the end everything")
  func writeBack() async throws {
    // Twice what the memory holds.
    let all = blocks(0..<256)
    try await withTemporaryDirectory { directory in
      try await TestStore.with(Self.disk(directory, writes: "write-back")) { store in
        try await store.put(Array(all[..<64]))
        #expect(try await store.status().disk.blocks == 0)
        for start in stride(from: 64, to: 256, by: 2) {
          try await store.put(Array(all[start..<start + 2]))
          try await eventually {
            let status = try await store.status()
            return status.disk.storedTotal == status.memory.evictedTotal
          }
        }
        #expect(try await store.status().disk.blocks > 64)
        #expect(try await store.lookup(all).blockCount == 256)
      }
      try await TestStore.with(Self.disk(directory, writes: "write-back")) { store in
        let match = try await store.lookup(all)
        #expect(match.stretches.map(\.tier) == [.ssd])
        #expect(match.blockCount == 256)
        #expect(try await store.get(all).hasPayloads(of: all))
      }
    }
  }

  @Test("an eviction tells whether the block can still be read from disk")
  func evictionFromMemory() async throws {
    try await withTemporaryDirectory { directory in
      try await TestStore.with(Self.disk(directory)) { store in
        for start in stride(from: 0, to: 200, by: 4) {
          try await store.put(blocks(start..<start + 4))
          try await eventually { try await store.status().disk.blocks == UInt64(start + 4) }
        }
        let first = try await store.client.watchEvictions(
          .with { $0.afterSequence = 0 },
          options: .bounded
        ) { response in
          try await response.messages.first { _ in true }
        }
        #expect(first?.evictions.isEmpty == false)
        #expect(first?.evictions.allSatisfy(\.isOnDisk) == true)
        #expect(try await store.lookup(blocks(0..<200)).blockCount == 200)
      }
    }
  }

  @Test("a reader who does not read leaves memory to others", arguments: ["dram", "ssd"])
  func backpressure(tier: String) async throws {
    // 16 MiB on disk, 8 MiB of memory.
    let all = blocks(0..<256)
    try await withTemporaryDirectory { directory in
      try await TestStore.with(Self.disk(directory)) { store in
        for start in stride(from: 0, to: 256, by: 4) {
          try await store.put(Array(all[start..<start + 4]))
          try await eventually { try await store.status().disk.blocks == UInt64(start + 4) }
        }
        let asked = tier == "dram" ? Array(all[200...]) : all
        let request = Weft_Kvstore_V1_GetRequest.with {
          $0.namespace = "shared"
          $0.keys = asked.keys
        }
        let (count, areRight) = try await Weft_Kvstore_V1_KVStoreService.getBlocks(
          request,
          on: store.grpc,
          options: .bounded
        ) { response in
          var count = 0
          var areRight = true
          for try await block in response.messages {
            if count == 0 {
              let others = try await store.put(blocks(1000..<1100))
              areRight = others == [Int32](repeating: 0, count: 100)
              let read = try await store.status().memory.readBytesTotal
              // What the reader has not taken is in flight within the connection's window.
              areRight = areRight && read < 8 << 20
            }
            areRight = areRight && block.payload.array == asked[Int(block.keyIndex)].payload
            count += 1
          }
          return (count, areRight)
        }
        #expect(count == asked.count)
        #expect(areRight)
      }
    }
  }
}
