import Glibc
import MeshTypes
import SegmentStore
import Testing

@Suite("Many records at once")
struct ReadQueueTests {
  private struct Enough: Error {}

  /// The numbers of the blocks that are read, in the order in which they come.
  private func numbers(
    _ store: SegmentStore,
    _ asked: [TestBlock],
    _ queue: inout ReadQueue,
    _ comment: Comment? = nil
  ) -> [Int] {
    var numbers: [Int] = []
    let count = store.read(asked.map(\.key), with: &queue) { index, payload in
      let bytes = payload.withUnsafeBytes { Array($0) }
      #expect(bytes == asked[index].payload(), "wrong bytes. \(comment ?? "")")
      numbers.append(asked[index].number)
    }
    #expect(count == numbers.count)
    return numbers
  }

  private func filled(_ device: any SegmentDevice, _ count: Int = 40) throws -> SegmentStore {
    let store = try SegmentStore(settings: .small(capacityBytes: 1 << 21), device: device)
    for block in blocks(0..<count) { #expect(try store.insert(block) == .stored) }
    return store
  }

  @Test("come in the order asked for, without those that are not there", arguments: [1, 2, 7, 64])
  func order(depth: Int) throws {
    let store = try filled(FaultyDevice())
    var queue = store.makeReadQueue(depth: depth)
    let usesRing = queue.usesRing
    #expect(!usesRing)
    let asked = (0..<60).reversed() + [3, 3, 100, 4]
    let found = asked.filter { $0 < 40 }
    #expect(numbers(store, asked.map(TestBlock.init), &queue) == found)
    #expect(store.statistics.hits == found.count)
    #expect(store.statistics.misses == asked.count - found.count)
    #expect(numbers(store, [], &queue) == [])
  }

  @Test(
    "are the same with and without io_uring, with and without O_DIRECT",
    arguments: [SegmentDirectory.Reading.ring, .blocking],
    [true, false]
  )
  func methods(reading: SegmentDirectory.Reading, direct: Bool) throws {
    try withSegmentsDirectory { path in
      let store = try filled(SegmentDirectory(path: path, direct: direct, reading: reading))
      var queue = store.makeReadQueue(depth: 8)
      let usesRing = queue.usesRing
      #expect(usesRing == (reading == .ring))
      for _ in 0..<3 {
        #expect(numbers(store, blocks(0..<50), &queue) == Array(0..<40))
      }
      #expect(truncate("\(path)/\(SegmentHeader.fileName(of: 1))", 5000) == 0)
      let left = numbers(store, blocks(0..<50), &queue)
      #expect(left == Array((40 - left.count)..<40) && left.count > 20 && left.count < 40)
      #expect(store.statistics.corruptRecords == 40 - left.count)
    }
  }

  @Test("a damaged record is a miss and costs the others nothing")
  func damage() throws {
    try withSegmentsDirectory { path in
      let store = try filled(SegmentDirectory(path: path))
      var queue = store.makeReadQueue(depth: 8)
      let file = Glibc.open("\(path)/\(SegmentHeader.fileName(of: 1))", O_WRONLY)
      defer { close(file) }
      #expect(pwrite(file, [0xff, 0x00], 2, 2 * 4096) == 2)
      #expect(numbers(store, blocks(0..<40), &queue) == Array(1..<40))
      #expect(store.statistics.corruptRecords == 1)
    }
  }

  @Test("reads that fail on the device are misses")
  func failure() throws {
    let device = FaultyDevice()
    let store = try filled(device)
    var queue = store.makeReadQueue(depth: 4)
    device.set(.error(EIO), on: .read)
    #expect(numbers(store, blocks(0..<10), &queue) == [])
    device.set(nil, on: .read)
    #expect(store.statistics.readErrors == 10)
    #expect(numbers(store, blocks(0..<40), &queue) == Array(10..<40))
  }

  @Test("a ring that refuses, fails and falls short costs nothing", arguments: 0..<40)
  func faultyRing(seed: UInt64) throws {
    try withSegmentsDirectory { path in
      let ring = FaultyRing(seed: seed, chance: seed < 4 ? 1 : 0.4)
      let store = try filled(RingDirectory(SegmentDirectory(path: path), ring: ring))
      do {
        var queue = store.makeReadQueue(depth: Int(seed % 9) + 1)
        for _ in 0..<3 {
          #expect(numbers(store, blocks(0..<40), &queue, "seed \(seed)") == Array(0..<40))
        }
        #expect(throws: Enough.self) {
          try store.read(blocks(0..<40).map(\.key), with: &queue) { index, _ throws(Enough) in
            if index == 5 { throw Enough() }
          }
        }
        #expect(numbers(store, blocks(0..<40), &queue, "seed \(seed)") == Array(0..<40))
      }
      #expect(ring.underWay == 0 && !ring.faults.isEmpty, "seed \(seed)")
      #expect(store.statistics.corruptRecords == 0 && store.statistics.readErrors == 0)
    }
  }

  @Test("queues that are left early give back their rings", arguments: [true, false])
  func noLeaks(leavesEarly: Bool) throws {
    try withSegmentsDirectory { path in
      let store = try filled(SegmentDirectory(path: path, reading: .ring))
      for _ in 0..<1000 {
        var queue = store.makeReadQueue(depth: 8)
        let usesRing = queue.usesRing
        #expect(usesRing)
        _ = try? store.read(blocks(0..<12).map(\.key), with: &queue) { index, _ throws(Enough) in
          if leavesEarly, index == 2 { throw Enough() }
        }
      }
      #expect(store.statistics.corruptRecords == 0 && store.statistics.readErrors == 0)
      // Other tests have some open at the same time.
      #expect(openRings() < 200)
    }
  }

  /// File descriptors of this process that are rings.
  private func openRings() -> Int {
    (0..<4000).count { descriptor in
      var target = [CChar](repeating: 0, count: 64)
      let count = readlink("/proc/self/fd/\(descriptor)", &target, target.count)
      let bytes = target.prefix(max(0, count)).map { UInt8(bitPattern: $0) }
      return String(decoding: bytes, as: UTF8.self).contains("io_uring")
    }
  }

  @Test("threads with queues of their own read while others insert and evict")
  func threads() async throws {
    try await withSegmentsDirectory { path in
      let store = try SegmentStore(settings: .small(), device: SegmentDirectory(path: path))
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          for number in 0..<600 { try store.insert(TestBlock(number)) }
        }
        for reader in 0..<3 {
          group.addTask {
            var random = SplitMix(UInt64(reader))
            var queue = store.makeReadQueue(depth: 6)
            for _ in 0..<100 {
              let start = Int.random(in: 0..<580, using: &random)
              _ = self.numbers(store, blocks(start..<start + 20), &queue)
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(store.statistics.evictedSegments > 0)
      #expect(store.statistics.corruptRecords == 0 && store.statistics.readErrors == 0)
    }
  }
}
