import SegmentStore

/// One compression applied to payloads: what it saves, and how fast one thread does it.
struct CompressionRun {
  let compression: Compression
  /// Bytes after compression for each before, of all payloads, whether they would be kept or not.
  private(set) var ratio = 0.0
  /// Payloads that a store would keep compressed.
  private(set) var keptShare = 0.0
  /// Of bytes before compression.
  private(set) var compressMegabytesPerSecond = 0.0
  private(set) var decompressMegabytesPerSecond = 0.0

  init(_ compression: Compression, _ payloads: [[UInt8]]) {
    self.compression = compression
    let clock = ContinuousClock()
    let megabytes = Double(payloads.reduce(0) { $0 + $1.count }) / 1e6
    var compressed: [[UInt8]] = []
    let compress = clock.measure {
      compressed = payloads.map { compression.compress($0.span.bytes) }
    }
    let decompress = clock.measure {
      for (payload, bytes) in zip(payloads, compressed) {
        let result = compression.decompress(bytes.span.bytes, byteCount: payload.count)
        precondition(result == payload, "a payload comes back as it was")
      }
    }
    ratio = Double(compressed.reduce(0) { $0 + $1.count }) / 1e6 / megabytes
    let kept = zip(payloads, compressed).count { payload, bytes in
      Compression.isWorthwhile(payloadBytes: payload.count, compressedBytes: bytes.count)
    }
    keptShare = Double(kept) / Double(max(1, payloads.count))
    compressMegabytesPerSecond = megabytes / (compress / .seconds(1))
    decompressMegabytesPerSecond = megabytes / (decompress / .seconds(1))
  }
}
