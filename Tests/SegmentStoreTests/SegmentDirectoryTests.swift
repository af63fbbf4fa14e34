import Glibc
import MeshTypes
import SegmentStore
import Testing

@Suite("A directory of segments")
struct SegmentDirectoryTests {
  private func store(
    at path: String,
    direct: Bool = true,
    _ settings: SegmentStoreSettings = .small()
  ) throws -> SegmentStore {
    try SegmentStore(
      settings: settings,
      device: SegmentDirectory(path: path, direct: direct)
    )
  }

  @Test("blocks survive the store that wrote them, on real files", arguments: [true, false])
  func survival(direct: Bool) throws {
    try withSegmentsDirectory { path in
      do {
        let first = try store(at: path, direct: direct)
        for number in 0..<200 {
          #expect(try first.insert(TestBlock(number)) == .stored)
          _ = try first.payload(of: TestBlock(number / 2))
        }
        try first.sync()
        #expect(first.statistics.evictedSegments > 0 && first.statistics.reinsertedRecords > 0)
        #expect(try first.readable(blocks(0..<200)).count == first.statistics.records)
      }
      let second = try store(at: path, direct: !direct)
      let readable = try second.readable(blocks(0..<200))
      #expect(readable.count == second.statistics.records && readable.count > 10)
      #expect(try second.insert(TestBlock(1000)) == .stored)
      #expect(second.statistics.occupiedBytes <= second.settings.capacityBytes)
      #expect(try bytes(at: path) == second.statistics.occupiedBytes)
    }
  }

  /// Bytes of all segment files.
  private func bytes(at path: String) throws -> Int {
    let directory = try SegmentDirectory(path: path, access: .readOnly)
    let names = try directory.fileNames().filter { $0 != SegmentDirectory.lockName }
    return try names.reduce(0) { try $0 + directory.open($1).byteCount() }
  }

  @Test("two stores never share it, and it is free again after the first")
  func lock() throws {
    try withSegmentsDirectory { path in
      do {
        let first = try store(at: path)
        let error = #expect(throws: MeshError.self) { try store(at: path) }
        #expect(error?.code == .failedPrecondition && error?.field == path)
        #expect(error?.message.contains("another store") == true)
        try first.insert(TestBlock(1))
        #expect(try SegmentDirectory(path: path, access: .readOnly).fileNames().count == 2)
      }
      #expect(try store(at: path).readable([TestBlock(1)]).count == 1)
    }
  }

  @Test("it is made if it is missing, but not its parents")
  func creation() throws {
    try withSegmentsDirectory { path in
      do { _ = try store(at: "\(path)/new") }
      unlink("\(path)/new/\(SegmentDirectory.lockName)")
      #expect(rmdir("\(path)/new") == 0)
      let error = #expect(throws: MeshError.self) { try store(at: "\(path)/no/new") }
      #expect(error?.code == .failedPrecondition)
      #expect(throws: MeshError.self) {
        _ = try SegmentDirectory(path: "\(path)/new", access: .readOnly)
      }
    }
  }

  @Test("a file in its place, links and pipes with segments' names are not followed")
  func strangers() throws {
    try withSegmentsDirectory { path in
      let pipe = "\(path)/\(SegmentHeader.fileName(of: 1))"
      let link = "\(path)/\(SegmentHeader.fileName(of: 2))"
      #expect(mkfifo(pipe, 0o600) == 0 && symlink("/etc/hostname", link) == 0)
      let store = try store(at: path)
      #expect(store.statistics.unreadableSegments == 2)
      #expect(try store.insert(TestBlock(1)) == .stored)
      #expect(throws: MeshError.self) { _ = try SegmentDirectory(path: link) }
    }
  }

  @Test("a file removed, cut off or overwritten by others costs its blocks and nothing else")
  func meddling() throws {
    try withSegmentsDirectory { path in
      let store = try store(at: path, .small(syncIntervalBytes: 0))
      for block in blocks(0..<30) { try store.insert(block) }
      let count = try store.readable(blocks(0..<30)).count
      #expect(truncate("\(path)/\(SegmentHeader.fileName(of: 1))", 9000) == 0)
      #expect(unlink("\(path)/\(SegmentHeader.fileName(of: 2))") == 0)
      #expect(truncate("\(path)/\(SegmentHeader.fileName(of: 3))", 0) == 0)
      let left = try store.readable(blocks(0..<30)).count
      #expect(left > 0 && left < count)
      for number in 100..<250 { #expect(try store.insert(TestBlock(number)) == .stored) }
    }
  }

  @Test("a segment can be inspected while a store has it")
  func inspection() throws {
    try withSegmentsDirectory { path in
      let store = try store(at: path)
      for block in blocks(0..<20) { try store.insert(block) }
      let directory = try SegmentDirectory(path: path, access: .readOnly)
      let file = try directory.open(SegmentHeader.fileName(of: 1))
      let inspection = try #require(try SegmentInspection(of: file, id: 1))
      #expect(inspection.contents.ending == .sealed && inspection.damaged.isEmpty)
      let keys = inspection.contents.records.map(\.key)
      #expect(keys == blocks(0..<keys.count).map(\.key) && !keys.isEmpty)
      #expect(throws: DeviceError.self) { try file.truncate(to: 0) }
      #expect(try SegmentInspection(of: file, id: 2) == nil)
    }
  }
}
