package import MeshTypes

/// How many KV blocks a worker takes when everything else of it is in memory.
package struct KVMemoryPlan {
  package var settings: EngineSettings
  /// Bytes of a block.
  package var blockBytes: Int
  /// Blocks that the largest step needs: with fewer the worker is of no use.
  package var minimumBlocks: Int

  package init(settings: EngineSettings, blockBytes: Int, minimumBlocks: Int) {
    self.settings = settings
    self.blockBytes = blockBytes
    self.minimumBlocks = minimumBlocks
  }

  /// The share of memory that is used unless settings say another.
  static let defaultUtilization = 0.9
  /// What is taken at most unless settings name a share or a size: a worker that was started just so
  /// leaves a laptop to its owner.
  package static let defaultLimitBytes = 1 << 30
  /// As many as a scheduler takes: one refuses workers that have more.
  static let largestCount = 1 << 22

  /// - Parameter limits: As they are now, with what the process has taken so far.
  /// - Throws: ``MeshError`` `resourceExhausted` that says what is needed and what there is.
  package func blockCount(within limits: [MemoryLimit]) throws(MeshError) -> Int {
    if let explicit = settings.blockCount ?? settings.kvMemoryBytes.map({ $0 / blockBytes }) {
      let count = min(max(1, explicit), Self.largestCount)
      let (bytes, overflow) = count.multipliedReportingOverflow(by: blockBytes)
      try expect(overflow ? .max : bytes, share: 1, limits)
      return count
    }
    try expect(minimumBlocks * blockBytes, share: share, limits)
    let room = limits.map { $0.room(share: share) }.min() ?? Self.defaultLimitBytes
    let bytes = settings.memoryUtilization == nil ? min(room, Self.defaultLimitBytes) : room
    return min(max(minimumBlocks, bytes / blockBytes), Self.largestCount)
  }

  private var share: Double { settings.memoryUtilization ?? Self.defaultUtilization }

  private func expect(_ bytes: Int, share: Double, _ limits: [MemoryLimit]) throws(MeshError) {
    guard let tight = limits.min(by: { $0.room(share: share) < $1.room(share: share) }),
      bytes > tight.room(share: share)
    else { return }
    let percent = Int((share * 100).rounded())
    throw MeshError(
      .resourceExhausted,
      "KV blocks need \(Self.mebibytes(bytes)) MiB, and \(Self.mebibytes(tight.room(share: share)))"
        + " MiB are left: \(percent) % of \(tight.name)'s \(Self.mebibytes(tight.limitBytes)) MiB,"
        + " less the \(Self.mebibytes(tight.usedBytes)) MiB in use",
      field: settings.blockCount != nil
        ? "kv-blocks" : settings.kvMemoryBytes != nil ? "kv-memory-mib" : "memory-utilization"
    )
  }

  private static func mebibytes(_ bytes: Int) -> Int { max(0, bytes) >> 20 }
}
