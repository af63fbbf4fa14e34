package import BlockCache
import Synchronization

extension SegmentStore {
  /// Memory and, where the device has one, a ring to read up to `depth` records at once.
  ///
  /// - Parameter depth: 1 to 1024; each takes memory for the longest record.
  package func makeReadQueue(depth: Int) -> ReadQueue {
    ReadQueue(
      depth: depth,
      slotBytes: RecordHeader.recordBytes(payloadBytes: settings.maximumPayloadBytes),
      ring: device.makeReadRing(depth: depth)
    )
  }

  /// Reads the payloads of many keys, several at once, and lends them in the order of the keys.
  ///
  /// While `body` works on a payload, the reads of the next ones go on.
  ///
  /// - Parameters:
  ///   - keys: The content keys.
  ///   - queue: From ``makeReadQueue(depth:)`` of this store; used by one thread at a time.
  ///   - body: Gets the index in `keys` and the payload, which is gone when it returns. It is not
  ///     called for keys that the store does not have, or has damaged. If it throws, the reads under
  ///     way are waited for and forgotten.
  /// - Returns: How many payloads were lent.
  @discardableResult
  package func read<E: Error>(
    _ keys: [BlockKey],
    with queue: inout ReadQueue,
    _ body: (_ index: Int, _ payload: RawSpan) throws(E) -> Void
  ) throws(E) -> Int {
    defer { queue.cancel() }
    var sought: [(location: SegmentCatalog.Location, source: RecordSource)?] = []
    sought.reserveCapacity(keys.count)
    var lent = 0
    for index in keys.indices {
      while sought.count < min(keys.count, index + queue.depth) {
        sought.append(begin(keys[sought.count], slot: sought.count % queue.depth, &queue))
      }
      guard let (location, source) = sought[index] else { continue }
      sought[index] = nil
      let slot = index % queue.depth
      let fault = finish(location.record, source, slot: slot, &queue)
      catalog.withLock { $0.count(fault, of: keys[index], at: location) }
      guard fault == nil else { continue }
      try lend(location.record, slot: slot, queue) { bytes throws(E) in try body(index, bytes) }
      lent += 1
    }
    return lent
  }

  private func begin(
    _ key: BlockKey,
    slot: Int,
    _ queue: inout ReadQueue
  ) -> (location: SegmentCatalog.Location, source: RecordSource)? {
    guard let (location, source) = lookUp(key) else { return nil }
    queue.begin(
      slot,
      source.file,
      byteCount: location.record.recordBytes,
      from: location.record.offset
    )
    return (location, source)
  }

  private func finish(
    _ record: SegmentRecord,
    _ source: RecordSource,
    slot: Int,
    _ queue: inout ReadQueue
  ) -> RecordFault? {
    let count: Int
    do {
      count = try queue.finish(slot)
    } catch {
      return .unreadable(error)
    }
    do {
      let header = try queue.withSlot(slot) { memory, start throws(RecordFault) in
        try source.check(record, in: memory, start..<start + count)
      }
      if record.isCompressed { try queue.decompress(slot, header, source) }
      return nil
    } catch {
      return error
    }
  }

  private func lend<E: Error>(
    _ record: SegmentRecord,
    slot: Int,
    _ queue: borrowing ReadQueue,
    _ body: (RawSpan) throws(E) -> Void
  ) throws(E) {
    if record.isCompressed { return try queue.withDecompressed(record.payloadBytes, body) }
    try queue.withSlot(slot) { memory, start throws(E) in
      let payload = start + RecordHeader.byteCount
      try memory.withBytes(in: payload..<payload + record.payloadBytes, body)
    }
  }
}
