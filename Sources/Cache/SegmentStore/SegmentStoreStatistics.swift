/// What a store holds and has done since it was opened.
package struct SegmentStoreStatistics: Hashable, Sendable {
  // What it holds.

  /// Bytes of all segment files.
  package var occupiedBytes = 0
  /// Keys that can be read.
  package var records = 0
  /// Segment files.
  package var segments = 0

  // Reads.

  /// Payloads given back.
  package var hits = 0
  /// Keys asked for that were not there.
  package var misses = 0
  /// Records that failed their checks when read; dropped, and a miss.
  package var corruptRecords = 0
  /// Reads that the device failed; the record is dropped, and it is a miss.
  package var readErrors = 0

  // Inserts.

  /// Payloads written.
  package var stored = 0
  /// Bytes of records written, those written again by evictions included.
  package var writtenBytes = 0
  /// Bytes by which compression made them fewer.
  package var savedBytes = 0
  /// Inserts of a key that was there with the same payload.
  package var present = 0
  /// Inserts of a key that was there with another payload: the first stayed.
  package var conflicts = 0
  /// Inserts that the admission declined.
  package var notAdmitted = 0
  /// Inserts refused because the device had no room.
  package var refusedFull = 0
  /// Inserts refused because the device failed.
  package var refusedFailed = 0
  /// Calls that made the written bytes durable.
  package var syncs = 0
  /// Calls that failed to.
  package var syncErrors = 0

  // Evictions.

  /// Segments removed to make room.
  package var evictedSegments = 0
  /// Records that went with them.
  package var evictedRecords = 0
  /// Records written again because they had been hit.
  package var reinsertedRecords = 0

  // Recovery.

  /// Segments that were not indexed because their header is unreadable.
  package var unreadableSegments = 0
  /// Files in the directory that are no segments; left alone.
  package var unknownFiles = 0
}
