import BlockCache
import Glibc
import SegmentStore
import Subprocess
import SystemPackage
import Testing

@Suite("weft store inspect")
struct StoreInspectTests {
  /// Runs `body` with the path of a new store of 12 records in several segments of 64 KiB.
  private func withStore(
    compression: Compression = .none,
    _ body: (String, SegmentStore) async throws -> Void
  ) async throws {
    var template = Array("/tmp/weft-inspect-XXXXXX".utf8CString)
    let path = try #require(mkdtemp(&template).map { String(cString: $0) })
    defer {
      if let names = try? SegmentDirectory(path: path, access: .readOnly).fileNames() {
        for name in names { unlink("\(path)/\(name)") }
      }
      rmdir(path)
    }
    let store = try SegmentStore(
      settings: SegmentStoreSettings(
        capacityBytes: 8 << 16,
        segmentBytes: 1 << 16,
        maximumPayloadBytes: 3 * 4096,
        admission: .writeThrough,
        compression: compression
      ),
      device: SegmentDirectory(path: path)
    )
    for number in 0..<12 as Range<UInt8> {
      let payload = [UInt8](repeating: number, count: 3 * 4096)
      #expect(try store.insert(Self.key(number), payload.span.bytes) == .stored)
    }
    try await body(path, store)
  }

  private static func key(_ number: UInt8) throws -> BlockKey {
    try #require(BlockKey(bytes: [UInt8](repeating: number, count: BlockKey.byteCount)))
  }

  private static func segment(_ id: UInt64, in path: String) -> String {
    "\(path)/\(SegmentHeader.fileName(of: id))"
  }

  private static func overwrite(_ path: String, at offset: Int64, _ bytes: [UInt8]) throws {
    let file = try FileDescriptor.open(path, .writeOnly)
    defer { try? file.close() }
    #expect(try file.writeAll(toAbsoluteOffset: offset, bytes) == bytes.count)
  }

  private func inspect(_ arguments: String...) async throws -> Executables.Outcome {
    try await Executables.run("weft", ["store", "inspect"] + arguments)
  }

  @Test("finds a sound store sound, while it runs")
  func sound() async throws {
    try await withStore { path, store in
      let outcome = try await inspect(path)
      #expect(outcome.status.isSuccess, "\(outcome.error)")
      let lines = outcome.output.split(separator: "\n")
      #expect(lines.count == store.statistics.segments && lines.count == 4)
      #expect(lines[0].hasSuffix("version 1, sealed, 3 records, 61440 bytes, 0 damaged"))
      #expect(lines[3].contains("version 1, open, 3 records"))
      #expect(store.statistics.records == 12, "nothing was changed")
    }
  }

  @Test("lists every record, of one segment if one is named")
  func records() async throws {
    try await withStore { path, _ in
      let outcome = try await inspect(Self.segment(2, in: path), "--records")
      #expect(outcome.status.isSuccess)
      let lines = outcome.output.split(separator: "\n")
      #expect(lines.count == 4)
      let key = String(repeating: "03", count: 32)
      #expect(
        lines[1] == "  record at 4096: key \(key), 12288 bytes, generation 4, CRC ok"
      )
    }
  }

  @Test("checks compressed records too")
  func compressed() async throws {
    try await withStore(compression: .zstd(level: 1)) { path, _ in
      try Self.overwrite(Self.segment(1, in: path), at: 8192, [0xff])
      let outcome = try await inspect(path, "--records")
      #expect(outcome.status == .exited(1))
      let lines = outcome.output.split(separator: "\n")
      #expect(lines[1].contains("at 4096:") && lines[1].hasSuffix("payload fails its checksum"))
      #expect(lines[2].contains(", 12288 bytes in ") && lines[2].hasSuffix("CRC ok"))
    }
  }

  @Test("tells which records are damaged, where and why, and ends with 1")
  func damage() async throws {
    try await withStore { path, _ in
      let first = Self.segment(1, in: path)
      try Self.overwrite(first, at: 9000, [0xff])
      try Self.overwrite(first, at: 4096 + 16384, [0xff])
      let outcome = try await inspect(path)
      #expect(outcome.status == .exited(1))
      let lines = outcome.output.split(separator: "\n")
      #expect(lines.count == 6)
      #expect(lines[0].hasSuffix("2 damaged"))
      #expect(lines[1].contains("at 4096:") && lines[1].hasSuffix("payload fails its checksum"))
      #expect(lines[2].contains("at 20480:") && lines[2].hasSuffix("the header is damaged"))
    }
  }

  @Test("tells a torn tail, and a segment without a header")
  func torn() async throws {
    try await withStore { path, _ in
      #expect(truncate(Self.segment(4, in: path), 40_000) == 0)
      try Self.overwrite(Self.segment(2, in: path), at: 0, [0])
      let outcome = try await inspect(path)
      #expect(outcome.status == .exited(1))
      #expect(outcome.output.contains("torn tail: 3136 bytes from 36864 on are no record\n"))
      #expect(outcome.output.contains("0000000000000002.segment: no valid header"))
    }
  }

  @Test("says the same as JSON, a segment a line")
  func json() async throws {
    try await withStore { path, _ in
      try Self.overwrite(Self.segment(1, in: path), at: 9000, [0xff])
      let outcome = try await inspect(path, "--json")
      #expect(outcome.status == .exited(1))
      let lines = outcome.output.split(separator: "\n")
      #expect(lines.count == 4 && lines.allSatisfy { $0.hasPrefix("{\"damaged\":[") })
      #expect(lines[0].contains("\"fault\":\"the payload fails its checksum\""))
      #expect(
        lines[1].contains("\"damaged\":[],\"ending\":\"sealed\",\"fileBytes\":61440,\"id\":2")
      )
      #expect(!lines[1].contains("\"records\""))
      let listed = try await inspect(Self.segment(2, in: path), "--json", "--records")
      #expect(listed.output.contains("\"records\":[{\"generation\":4,"))
    }
  }

  @Test("names a path that is none", arguments: ["/nonexistent", "/dev/null", "/proc/self"])
  func wrongPath(path: String) async throws {
    let outcome = try await inspect(path)
    #expect(outcome.status == .exited(1))
    #expect(outcome.output == "" && outcome.error.contains(path), "\(outcome.error)")
    #expect(outcome.error.split(separator: "\n").count == 1)
  }

  @Test("names a segment that is not there")
  func missingSegment() async throws {
    let outcome = try await inspect("/tmp/00000000000000ff.segment")
    #expect(outcome.status == .exited(1))
    #expect(outcome.output.contains("/tmp/00000000000000ff.segment: open"))
  }

  @Test("wants a path")
  func usage() async throws {
    let outcome = try await inspect()
    #expect(outcome.status == .exited(64))
    #expect(outcome.error.contains("paths"))
  }
}
