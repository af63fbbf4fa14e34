import BlockCache
import SegmentStore
import Synchronization
import Testing

@Suite("Losses of power")
struct CrashTests {
  @Test(
    "whatever survives is right, and what was made durable survives",
    arguments: 0..<400
  )
  func crash(seed: UInt64) throws {
    var random = SplitMix(seed)
    var device = FaultyDevice()
    let settings = SegmentStoreSettings.small(
      reinsertionBytes: [0, 1 << 14, 1 << 15].randomElement(using: &random),
      syncIntervalBytes: [0, 1 << 14, 1 << 16].randomElement(using: &random) ?? 0
    )
    // Seen whole, or written, in a life before: that a key is listed does not say that.
    var intact: Set<TestBlock> = []
    for life in 0..<4 {
      let comment: Comment = "seed \(seed), life \(life)"
      var durable: Set<TestBlock> = []
      // What an eviction took is not expected back, even if it was inserted again since.
      let evicted = Mutex<Set<BlockKey>>([])
      let store = try SegmentStore(
        settings: settings,
        device: device,
        randomNumbers: SplitMix(seed),
        evicted: { keys in evicted.withLock { $0.formUnion(keys) } }
      )
      device.crash(afterChanges: Int.random(in: 1..<120, using: &random))
      while !device.hasCrashed {
        let block = TestBlock(Int.random(in: 0..<300, using: &random))
        if try store.insert(block) == .stored { intact.insert(block) }
        _ = try? store.payload(of: TestBlock(Int.random(in: 0..<300, using: &random)))
        if random.chance(0.05), (try? store.sync()) != nil {
          durable = intact.filter { store.contains($0.key) }
          evicted.withLock { $0 = [] }
        }
      }
      let gone = evicted.withLock { $0 }
      durable = durable.filter { store.contains($0.key) && !gone.contains($0.key) }
      device = device.afterCrash(&random)

      let recovered = try SegmentStore(on: device, settings)
      let readable = try recovered.readable(blocks(0..<300), comment)
      intact = readable
      let lost = durable.subtracting(readable).map(\.number)
      #expect(lost == [], comment)
      #expect(recovered.statistics.occupiedBytes <= settings.capacityBytes, comment)
      let bytes = device.images.values.reduce(0) { $0 + $1.count }
      #expect(recovered.statistics.occupiedBytes == bytes, comment)
    }
  }

  @Test("a store killed at every single change comes back with right bytes")
  func everyChange() throws {
    var changes = 1
    var finished = false
    while !finished {
      var random = SplitMix(UInt64(changes))
      let device = FaultyDevice()
      let store = try SegmentStore(on: device, .small(capacityBytes: 3 << 16))
      device.crash(afterChanges: changes)
      for number in 0..<40 where !device.hasCrashed {
        try store.insert(TestBlock(number))
        _ = try? store.payload(of: TestBlock(number / 2))
      }
      finished = !device.hasCrashed
      let recovered = try SegmentStore(on: device.afterCrash(&random))
      _ = try recovered.readable(blocks(0..<40), "\(changes) changes")
      #expect(try recovered.insert(TestBlock(1000)) == .stored)
      _ = try recovered.readable(blocks(0..<40) + [TestBlock(1000)], "\(changes) changes")
      changes += 1
    }
    #expect(changes > 40)
  }
}
