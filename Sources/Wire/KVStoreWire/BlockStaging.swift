import Synchronization

/// A fixed number of buffers for blocks on their way out: taken when all of them is allocated once,
/// so that nothing waits for memory and nothing is queued without bound.
package final class BlockStaging: Sendable {
  /// Bytes of one buffer.
  package let bufferByteCount: Int
  /// The number of buffers.
  package let bufferCount: Int
  private let memory: Memory
  private let free: Mutex<[Int]>

  private final class Memory: @unchecked Sendable {
    let base: UnsafeMutableRawPointer

    init(byteCount: Int) { base = .allocate(byteCount: max(1, byteCount), alignment: 4096) }
    deinit { base.deallocate() }
  }

  /// Allocates all buffers.
  package init(bufferCount: Int, bufferByteCount: Int) {
    precondition(bufferCount > 0 && bufferByteCount > 0, "there is at least one buffer")
    self.bufferCount = bufferCount
    self.bufferByteCount = bufferByteCount
    memory = Memory(byteCount: bufferCount * bufferByteCount)
    free = Mutex(Array((0..<bufferCount).reversed()))
  }

  /// Buffers that nobody has.
  package var freeCount: Int { free.withLock { $0.count } }

  /// A buffer; nil when all are taken.
  package func take() -> StagedBlock? {
    free.withLock { $0.popLast() }.map { StagedBlock(staging: self, index: $0) }
  }

  fileprivate func give(_ index: Int) { free.withLock { $0.append(index) } }

  fileprivate func bytes(_ index: Int) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(
      start: memory.base + index * bufferByteCount,
      count: bufferByteCount
    )
  }
}

/// One buffer of a ``BlockStaging``; given back when the last reference goes away.
///
/// Written by one at a time, and not any more where its ``bytes`` are being read.
package final class StagedBlock: Sendable {
  private let staging: BlockStaging
  private let index: Int

  fileprivate init(staging: BlockStaging, index: Int) {
    self.staging = staging
    self.index = index
  }

  deinit { staging.give(index) }

  /// Writes at `offset`, where there must be room.
  package func write(_ bytes: RawSpan, at offset: Int) {
    precondition(offset >= 0 && offset + bytes.byteCount <= staging.bufferByteCount, "no room")
    bytes.withUnsafeBytes { bytes in
      UnsafeMutableRawBufferPointer(rebasing: staging.bytes(index)[offset...])
        .copyMemory(from: bytes)
    }
  }

  /// Lends some of the bytes to be written.
  package func write(_ range: Range<Int>, _ body: (inout MutableRawSpan) -> Void) {
    precondition(range.lowerBound >= 0 && range.upperBound <= staging.bufferByteCount, "no room")
    var room = UnsafeMutableRawBufferPointer(rebasing: staging.bytes(index)[range]).mutableBytes
    body(&room)
  }

  /// The whole buffer, which stays taken for as long as they are in use.
  package var bytes: BlockBytes {
    BlockBytes(owner: self, bytes: UnsafeRawBufferPointer(staging.bytes(index)))
  }
}
