/// Memory for several records, and a ring to read them at the same time: what one thread needs to
/// read a run of blocks at more than one read in flight.
///
/// Where there is no ring, a read is made when its result is asked for. So is the rest of a read
/// that the ring did not finish: what failed or fell short there has to fail or fall short with
/// `pread` too before it counts.
package struct ReadQueue: ~Copyable {
  /// A read that was begun.
  private struct Read {
    var file: any SegmentFile
    var byteCount: Int
    var offset: Int
    /// What the ring made of it: bytes, or a negative `errno`.
    var result: Int32?
    var isInRing: Bool

    var isUnderWay: Bool { isInRing && result == nil }
  }

  /// Reads that can be under way at once.
  package let depth: Int
  private let slotBytes: Int
  private let ring: (any ReadRing)?
  private var reads: [Read?]
  private var memory: PageBuffer
  /// Where a compressed payload is decompressed to, from the second page on; small until the first.
  private var decompressed = PageBuffer(byteCount: 1)

  /// Whether reads go through a ring.
  package var usesRing: Bool { ring != nil }

  /// Takes memory for `depth` reads of up to `slotBytes`.
  init(depth: Int, slotBytes: Int, ring: (any ReadRing)?) {
    precondition((1...1024).contains(depth), "1 to 1024 reads at once")
    self.depth = depth
    self.slotBytes = PageBuffer.wholePages(slotBytes)
    self.ring = ring
    reads = Array(repeating: nil, count: depth)
    memory = PageBuffer(byteCount: depth * self.slotBytes)
  }

  /// The kernel writes to the memory until its reads are finished.
  deinit {
    for _ in 0..<reads.count(where: { $0?.isUnderWay == true }) { _ = ring?.wait() }
  }

  /// Where in the memory a slot is.
  private func range(of slot: Int) -> Range<Int> {
    slot * slotBytes..<(slot + 1) * slotBytes
  }

  /// Begins to read `byteCount` bytes at `offset` of a file into a slot that is idle.
  mutating func begin(_ slot: Int, _ file: any SegmentFile, byteCount: Int, from offset: Int) {
    precondition(reads[slot] == nil && byteCount <= slotBytes, "an idle slot that is large enough")
    let start = range(of: slot).lowerBound
    let isInRing =
      if let ring, let descriptor = file.descriptor {
        ring.submit(
          descriptor: descriptor,
          into: memory.at(start..<start + byteCount),
          from: offset,
          token: UInt64(slot)
        )
      } else {
        false
      }
    reads[slot] = Read(file: file, byteCount: byteCount, offset: offset, isInRing: isInRing)
  }

  /// Waits for a slot's read and leaves the slot idle.
  ///
  /// - Returns: The bytes read; fewer than asked for only at the end of the file.
  mutating func finish(_ slot: Int) throws(DeviceError) -> Int {
    while reads[slot]?.isUnderWay == true, let ring {
      let (token, result) = ring.wait()
      reads[Int(token)]?.result = result
    }
    guard let read = reads[slot] else { preconditionFailure("no read was begun in slot \(slot)") }
    reads[slot] = nil
    // O_DIRECT goes on at whole pages only.
    let done = Int(max(0, read.result ?? 0)) / PageBuffer.pageBytes * PageBuffer.pageBytes
    guard done < read.byteCount else { return done }
    let start = range(of: slot).lowerBound
    return try done
      + read.file.read(
        into: &memory,
        start + done..<start + read.byteCount,
        from: read.offset + done
      )
  }

  /// Waits for all reads and forgets them.
  mutating func cancel() {
    while reads.contains(where: { $0?.isUnderWay == true }), let ring {
      let (token, result) = ring.wait()
      reads[Int(token)]?.result = result
    }
    for slot in reads.indices { reads[slot] = nil }
  }

  /// Lends a slot's memory.
  borrowing func withSlot<R, E: Error>(
    _ slot: Int,
    _ body: (_ memory: borrowing PageBuffer, _ start: Int) throws(E) -> R
  ) throws(E) -> R {
    try body(memory, range(of: slot).lowerBound)
  }

  /// Decompresses the record in a slot, which was checked, for ``withDecompressed(_:_:)``.
  mutating func decompress(
    _ slot: Int,
    _ header: RecordHeader,
    _ source: RecordSource
  ) throws(RecordFault) {
    // No record has a longer payload than a slot holds.
    if decompressed.byteCount < slotBytes { decompressed = PageBuffer(byteCount: slotBytes) }
    let start = range(of: slot).lowerBound
    try source.decompress(header, in: memory, at: start, to: &decompressed)
  }

  /// Lends what was decompressed last.
  borrowing func withDecompressed<E: Error>(
    _ byteCount: Int,
    _ body: (RawSpan) throws(E) -> Void
  ) throws(E) {
    try decompressed.withBytes(
      in: RecordHeader.byteCount..<RecordHeader.byteCount + byteCount,
      body
    )
  }
}
