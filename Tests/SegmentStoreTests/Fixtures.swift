import BlockCache
import SegmentStore
import Testing

/// A seeded generator (SplitMix64).
struct SplitMix: RandomNumberGenerator, Sendable {
  var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  mutating func chance(_ probability: Double) -> Bool {
    Double.random(in: 0..<1, using: &self) < probability
  }
}

/// A numbered block: its key, and the payload that belongs to it and to no other.
struct TestBlock: Hashable, Sendable {
  var number: Int
  /// Whether half of its payload's bits are zeros.
  var isCompressible: Bool

  init(_ number: Int) { self.init(number, isCompressible: false) }

  init(_ number: Int, isCompressible: Bool) {
    self.number = number
    self.isCompressible = isCompressible
  }

  var key: BlockKey {
    var random = SplitMix(UInt64(number))
    let bytes = (0..<BlockKey.byteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
    guard let key = BlockKey(bytes: bytes) else { preconditionFailure("a key has 32 bytes") }
    return key
  }

  /// 1 to 12 288 bytes unless `count` says how many.
  func payload(count: Int? = nil) -> [UInt8] {
    var random = SplitMix(UInt64(number) ^ 0x5eed)
    let drawn = Int.random(in: 1...3 * 4096, using: &random)
    let count = count ?? drawn
    return [UInt8](unsafeUninitializedCapacity: count) { bytes, initialized in
      for start in stride(from: 0, to: count, by: 8) {
        let word = random.next() & (isCompressible ? 0x0f0f_0f0f_0f0f_0f0f : .max)
        for byte in start..<min(start + 8, count) {
          bytes[byte] = UInt8(truncatingIfNeeded: word >> (8 * UInt64(byte - start)))
        }
      }
      initialized = count
    }
  }
}

extension SegmentStoreSettings {
  /// Small segments: 64 KiB, 8 of them, payloads up to 12 KiB, everything admitted.
  static func small(
    capacityBytes: Int = 8 << 16,
    segmentBytes: Int = 1 << 16,
    admission: Admission = .writeThrough,
    reinsertionBytes: Int? = nil,
    syncIntervalBytes: Int = 1 << 15,
    compression: Compression = .none
  ) -> Self {
    Self(
      capacityBytes: capacityBytes,
      segmentBytes: segmentBytes,
      maximumPayloadBytes: 3 * 4096,
      admission: admission,
      rememberedKeys: 64,
      reinsertionBytes: reinsertionBytes,
      syncIntervalBytes: syncIntervalBytes,
      compression: compression
    )
  }
}

extension SegmentStore {
  convenience init(on device: FaultyDevice, _ settings: SegmentStoreSettings = .small()) throws {
    try self.init(settings: settings, device: device, randomNumbers: SplitMix(1))
  }

  /// Inserts a block with the payload that belongs to it.
  @discardableResult
  func insert(_ block: TestBlock, count: Int? = nil) throws -> InsertOutcome {
    try insert(block.key, block.payload(count: count).span.bytes)
  }

  /// The payload that is read for a block.
  func payload(of block: TestBlock) throws -> [UInt8]? {
    var buffer = makeBuffer()
    guard let range = try read(block.key, into: &buffer) else { return nil }
    return buffer.withBytes(in: range) { span in span.withUnsafeBytes { Array($0) } }
  }

  /// How many of `blocks` can be read.
  ///
  /// Reading other bytes than a block's own is the failure that everything here is about.
  func readable(
    _ blocks: some Sequence<TestBlock>,
    count: Int? = nil,
    _ comment: Comment? = nil
  ) throws -> Set<TestBlock> {
    var readable: Set<TestBlock> = []
    for block in blocks {
      guard let payload = try payload(of: block) else { continue }
      #expect(payload == block.payload(count: count), "wrong bytes. \(comment ?? "")")
      readable.insert(block)
    }
    return readable
  }
}

/// The blocks of some numbers.
func blocks(_ numbers: Range<Int>) -> [TestBlock] { numbers.map(TestBlock.init) }
