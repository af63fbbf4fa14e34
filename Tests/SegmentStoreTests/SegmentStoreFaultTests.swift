import Glibc
import MeshTypes
import SegmentStore
import Testing

@Suite("Devices that fail")
struct SegmentStoreFaultTests {
  @Test("on a full disk reads go on, inserts are refused, and work again once there is room")
  func diskFull() throws {
    let device = FaultyDevice()
    let store = try SegmentStore(on: device)
    device.capacityBytes = 100_000
    var stored: [TestBlock] = []
    for block in blocks(0..<60) {
      let outcome = try store.insert(block)
      #expect(outcome == .stored || outcome == .full)
      if outcome == .stored { stored.append(block) }
    }
    #expect(store.statistics.refusedFull == 60 - stored.count)
    #expect(store.statistics.refusedFull > 0 && stored.count > 3)
    #expect(try store.readable(blocks(0..<60)) == Set(stored))
    #expect(device.mostBytes <= 100_000)
    let bytes = device.images.values.reduce(0) { $0 + $1.count }
    #expect(store.statistics.occupiedBytes == bytes, "what was half written is cut off")

    device.capacityBytes = .max
    for block in blocks(60..<70) { #expect(try store.insert(block) == .stored) }
    #expect(try store.readable(blocks(0..<70)) == Set(stored + blocks(60..<70)))
    let reopened = try SegmentStore(on: device)
    #expect(try reopened.readable(blocks(0..<70)) == Set(stored + blocks(60..<70)))
  }

  @Test("a disk that takes not even a segment's header is full, and no file stays behind")
  func noRoomAtAll() throws {
    let device = FaultyDevice()
    let store = try SegmentStore(on: device)
    device.capacityBytes = 0
    for block in blocks(0..<5) { #expect(try store.insert(block) == .full) }
    #expect(device.images.isEmpty && store.statistics.occupiedBytes == 0)
    device.capacityBytes = .max
    #expect(try store.insert(TestBlock(1)) == .stored)
  }

  @Test("a block that was admitted and refused is still admitted")
  func admittedAndRefused() throws {
    let device = FaultyDevice()
    let store = try SegmentStore(on: device, .small(admission: .secondHit))
    device.capacityBytes = 0
    #expect(try store.insert(TestBlock(1)) == .notAdmitted)
    for _ in 0..<3 { #expect(try store.insert(TestBlock(1)) == .full) }
    device.capacityBytes = .max
    #expect(try store.insert(TestBlock(1)) == .stored)
  }

  @Test("writes cut short are continued", arguments: [4096, 5000, 8192, 12_287])
  func shortWrites(limit: Int) throws {
    let device = FaultyDevice()
    let store = try SegmentStore(on: device)
    device.set(.short(limit), on: .write)
    for block in blocks(0..<30) { #expect(try store.insert(block) == .stored) }
    #expect(try store.readable(blocks(0..<30)).count == 30)
    #expect(try SegmentStore(on: device).readable(blocks(0..<30)).count == 30)
  }

  @Test("a device that takes less than a page is full")
  func tinyWrites() throws {
    let device = FaultyDevice()
    let store = try SegmentStore(on: device)
    try store.insert(TestBlock(0))
    device.set(.short(1000), on: .write)
    #expect(try store.insert(TestBlock(1)) == .full)
    device.set(nil, on: .write)
    #expect(try store.insert(TestBlock(1)) == .stored)
    #expect(try store.readable(blocks(0..<2)).count == 2)
  }

  @Test(
    "after a failed change inserts are refused and counted, reads go on, and inserts work again",
    arguments: [FaultyDevice.Operation.write, .create, .truncate],
    [EIO, ENOSPC, EROFS]
  )
  func failedChanges(operation: FaultyDevice.Operation, code: Int32) throws {
    let device = FaultyDevice()
    let store = try SegmentStore(on: device)
    for block in blocks(0..<10) { try store.insert(block) }
    device.set(.error(code), on: operation)
    if operation == .truncate { device.set(.error(code), on: .write) }
    var refused = 0
    for block in blocks(10..<40) {
      switch try store.insert(block) {
      case .stored: break
      case .full:
        refused += 1
        #expect(code == ENOSPC)
      case .failed(let error):
        refused += 1
        #expect(error.code == code)
      default: Issue.record("neither stored nor refused")
      }
      _ = try store.readable(blocks(0..<10))
    }
    #expect(refused > 0)
    #expect(store.statistics.refusedFull + store.statistics.refusedFailed == refused)
    #expect(store.statistics.corruptRecords == 0)
    for operation in [operation, .write] { device.set(nil, on: operation) }
    for block in blocks(40..<60) { #expect(try store.insert(block) == .stored) }
    let expected = Set(blocks(0..<10) + blocks(40..<60))
    #expect(try store.readable(blocks(0..<60)).isSuperset(of: expected))
    let records = store.statistics.records
    let reopened = try SegmentStore(on: device)
    #expect(try reopened.readable(blocks(0..<60)).count == records)
  }

  @Test("a record that cannot be read is a miss, is dropped, and can be inserted again")
  func failedReads() throws {
    let device = FaultyDevice()
    let store = try SegmentStore(on: device)
    for block in blocks(0..<3) { try store.insert(block) }
    device.set(.error(EIO), on: .read)
    #expect(try store.payload(of: TestBlock(0)) == nil)
    device.set(nil, on: .read)
    #expect(try store.readable(blocks(0..<3)) == Set(blocks(1..<3)))
    #expect(store.statistics.readErrors == 1)
    #expect(try store.insert(TestBlock(0)) == .stored)
    #expect(try store.readable(blocks(0..<3)).count == 3)
  }

  @Test("a failed sync is told once, counted, and ends the segment")
  func failedSync() throws {
    let device = FaultyDevice()
    let store = try SegmentStore(on: device)
    for block in blocks(0..<2) { try store.insert(block) }
    device.set(.error(EIO), on: .sync)
    let error = #expect(throws: MeshError.self) { try store.sync() }
    #expect(error?.code == .unavailable)
    #expect(store.statistics.syncErrors == 1)
    device.set(nil, on: .sync)
    try store.sync()
    #expect(try store.insert(TestBlock(2)) == .stored)
    try store.sync()
    #expect(device.images.count == 2)
    #expect(try store.readable(blocks(0..<3)).count == 3)
  }

  @Test("written bytes are made durable as often as set")
  func syncInterval() throws {
    let device = FaultyDevice()
    let store = try SegmentStore(on: device, .small(syncIntervalBytes: 4 * 8192))
    for block in blocks(0..<3) { try store.insert(block, count: 4096) }
    #expect(device.count(of: .sync) == 0)
    try store.insert(TestBlock(3), count: 4096)
    #expect(device.count(of: .sync) == 1 && device.count(of: .syncDirectory) == 1)
    try store.sync()
    #expect(device.count(of: .sync) == 1, "there is nothing new")
  }

  @Test("a device that cannot list its files opens no store")
  func failedList() {
    let device = FaultyDevice()
    device.set(.error(EIO), on: .list)
    let error = #expect(throws: MeshError.self) { try SegmentStore(on: device) }
    #expect(error?.code == .unavailable)
  }

  @Test("random faults come and go: no wrong byte, the capacity kept", arguments: 0..<40)
  func randomFaults(seed: UInt64) throws {
    var random = SplitMix(seed)
    let device = FaultyDevice()
    let store = try SegmentStore(on: device)
    let operations: [FaultyDevice.Operation] = [
      .create, .open, .remove, .read, .write, .truncate, .sync, .syncDirectory,
    ]
    let codes = [EIO, ENOSPC, EDQUOT, EROFS]
    for _ in 0..<300 {
      for operation in operations {
        if random.chance(0.03) {
          let fault: FaultyDevice.Fault =
            random.chance(0.3)
            ? .short(Int.random(in: 0...9000, using: &random))
            : .error(codes.randomElement(using: &random) ?? EIO)
          device.set(fault, on: operation)
        } else if random.chance(0.3) {
          device.set(nil, on: operation)
        }
      }
      try store.insert(TestBlock(Int.random(in: 0..<200, using: &random)))
      let asked = (0..<3).map { _ in TestBlock(Int.random(in: 0..<200, using: &random)) }
      _ = try store.readable(asked, "seed \(seed)")
    }
    for operation in operations { device.set(nil, on: operation) }
    #expect(device.mostBytes <= store.settings.capacityBytes, "seed \(seed)")
    #expect(store.statistics.corruptRecords == 0, "seed \(seed)")
    for number in 1000..<1100 {
      #expect(try store.insert(TestBlock(number)) == .stored, "seed \(seed)")
    }
    let reopened = try SegmentStore(on: device)
    let before = try store.readable(blocks(0..<1100), "seed \(seed)")
    #expect(try reopened.readable(blocks(0..<1100), "seed \(seed)").isSuperset(of: before))
  }
}
