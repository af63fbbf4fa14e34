import CChecksum
import Glibc
package import MeshTypes
import Synchronization

/// Reads sections of a file of packed weights one after the other, over and over, a little ahead of
/// whoever uses them: for weights that do not fit into memory.
///
/// Each section has one of a few slots of memory for good, so that what points into a section stays
/// right. A thread of its own reads, past the page cache where the file system can, and checks every
/// section's checksum each time. Used by one thread at a time.
package final class SectionStream: @unchecked Sendable {
  /// Slots, each as large as the largest section: one is used while others are read into.
  package static let slotCount = 2

  private let sections: [PackedSection]
  private let first: Int
  private let slots: [UnsafeMutableRawBufferPointer]
  private let file: PackedWeightsFile
  private let descriptor: Int32
  /// By slot: posted when a section has been read into it, and when it may be read into.
  private let filled: [UnsafeMutablePointer<sem_t>]
  private let free: [UnsafeMutablePointer<sem_t>]
  /// By slot, what went wrong with reading into it.
  private let failures: Mutex<[MeshError?]>
  private let isStopping = Atomic(false)
  private var thread = pthread_t()
  /// The index in `sections` of the one that is handed out next.
  private var position = 0
  /// The slot that is handed out.
  private var current: Int?

  /// Memory that streaming sections takes.
  ///
  /// - Parameter sections: At least one.
  package static func byteCount(of sections: ArraySlice<PackedSection>) -> Int {
    slotCount * (sections.map(\.byteCount).max() ?? 0)
  }

  /// Takes the memory and begins to read.
  ///
  /// - Parameter range: Which of the file's sections; at least one.
  /// - Throws: ``MeshError`` `resourceExhausted` without memory or a thread, `failedPrecondition` when
  ///   the file was replaced.
  package init(file: PackedWeightsFile, sections range: Range<Int>) throws(MeshError) {
    self.file = file
    first = range.lowerBound
    sections = Array(file.header.sections[range])
    precondition(!sections.isEmpty, "nothing to stream")
    let byteCount = sections.map(\.byteCount).max() ?? 0
    let descriptor = try file.reopen()
    do throws(MeshError) {
      slots = try Self.allocate(Self.slotCount, byteCount: byteCount)
    } catch {
      close(descriptor)
      throw error
    }
    self.descriptor = descriptor
    failures = Mutex([MeshError?](repeating: nil, count: Self.slotCount))
    filled = slots.map { _ in Self.semaphore(0) }
    free = slots.map { _ in Self.semaphore(1) }
    let context = Unmanaged.passUnretained(self).toOpaque()
    let result = pthread_create(
      &thread,
      nil,
      { context in
        guard let context else { return nil }
        Unmanaged<SectionStream>.fromOpaque(context).takeUnretainedValue().readForever()
        return nil
      },
      context
    )
    guard result == 0 else {
      // Nothing runs that `deinit` could wait for.
      isStopping.store(true, ordering: .releasing)
      thread = 0
      throw MeshError(.resourceExhausted, "cannot start a thread that reads weights")
    }
  }

  deinit {
    isStopping.store(true, ordering: .releasing)
    for semaphore in free { sem_post(semaphore) }
    if thread != 0 { pthread_join(thread, nil) }
    close(descriptor)
    for semaphore in filled + free {
      sem_destroy(semaphore)
      semaphore.deallocate()
    }
    for slot in slots { munmap(slot.baseAddress, slot.count) }
  }

  /// Waits until a section is in its slot; it stays there until the next one is asked for. Asking in
  /// the file's order, over and over, is what reads ahead; sections in between are skipped.
  ///
  /// - Throws: ``MeshError`` `unavailable` when it cannot be read, `corrupted` when it is not what was
  ///   written. Asking again reads it again.
  package func load(section: Int) throws(MeshError) {
    let wanted = section - first
    precondition(sections.indices.contains(wanted), "a section that is not streamed")
    while true {
      release()
      let index = position
      let slot = index % Self.slotCount
      Self.wait(filled[slot])
      position = (position + 1) % sections.count
      current = slot
      guard index == wanted else { continue }
      if let failure = failures.withLock({ $0[slot] }) { throw failure }
      return
    }
  }

  /// Gives the section that was handed out last back, so that its slot can be read into.
  package func release() {
    if let current { sem_post(free[current]) }
    current = nil
  }

  /// Lends the place of a tensor, which stays where it is as long as this object lives; its bytes are
  /// there whenever its section is loaded.
  package func withBytes<R, E: Error>(
    of tensor: PackedTensor,
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    let slot = slots[(tensor.section - first) % Self.slotCount]
    let range = tensor.byteOffset..<tensor.byteOffset + tensor.byteCount
    return try body(UnsafeRawBufferPointer(rebasing: slot[range]))
  }

  private func readForever() {
    var index = 0
    while true {
      let slot = index % Self.slotCount
      Self.wait(free[slot])
      guard !isStopping.load(ordering: .acquiring) else { return }
      let failure = read(sections[index], into: slots[slot])
      failures.withLock { $0[slot] = failure }
      sem_post(filled[slot])
      index = (index + 1) % sections.count
    }
  }

  private func read(
    _ section: PackedSection,
    into slot: UnsafeMutableRawBufferPointer
  ) -> MeshError? {
    // Short enough to notice soon that we are to stop, long enough for a disk to be busy.
    let chunk = 4 << 20
    var done = 0
    while done < section.byteCount, !isStopping.load(ordering: .acquiring) {
      let wanted = min(chunk, section.byteCount - done)
      let count = pread(descriptor, slot.baseAddress! + done, wanted, section.byteOffset + done)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        let reason = count == 0 ? "the file ends early" : String(cString: strerror(errno))
        return MeshError(.unavailable, "cannot read packed weights: \(reason)")
      }
      done += count
    }
    guard wk_crc32c(0, slot.baseAddress, section.byteCount) == section.checksum else {
      return MeshError(.corrupted, "packed weights have changed on the disk")
    }
    return nil
  }

  private static func allocate(
    _ count: Int,
    byteCount: Int
  ) throws(MeshError) -> [UnsafeMutableRawBufferPointer] {
    var slots: [UnsafeMutableRawBufferPointer] = []
    for _ in 0..<count {
      let memory = mmap(
        nil,
        byteCount,
        PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS,
        -1,
        0
      )
      guard let memory, memory != MAP_FAILED else {
        for slot in slots { munmap(slot.baseAddress, slot.count) }
        throw MeshError(.resourceExhausted, "no memory for \(byteCount) bytes of weights")
      }
      slots.append(UnsafeMutableRawBufferPointer(start: memory, count: byteCount))
    }
    return slots
  }

  private static func semaphore(_ value: UInt32) -> UnsafeMutablePointer<sem_t> {
    let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    sem_init(semaphore, 0, value)
    return semaphore
  }

  private static func wait(_ semaphore: UnsafeMutablePointer<sem_t>) {
    while sem_wait(semaphore) != 0 {}
  }
}
