import BlockCache
import MeshTypes
import Scheduling

/// One prefix that the store has: both ways to it, and the one that the cost model chose before.
struct Case {
  let tokens: Int
  let fetchMilliseconds: Double
  /// Blocks that the store did not give in time.
  let missedBlocks: Int
  let computeMilliseconds: Double
  let decision: StoreDecision
  /// What the model expected of fetching and of computing, in milliseconds.
  let expectedFetch: Double
  /// What the store expected when it was asked, in milliseconds.
  let toldFetch: Double
  let expectedCompute: Double

  var isRight: Bool {
    (decision.action == .fetch) == (fetchMilliseconds < computeMilliseconds)
  }

  /// Whether it matters little: the two ways differ by less than a tenth of the slower one.
  var isClose: Bool {
    abs(fetchMilliseconds - computeMilliseconds)
      < 0.1 * max(fetchMilliseconds, computeMilliseconds)
  }
}

/// Keys that nobody else uses.
func sampleKeys(_ count: Int, series: UInt64) -> [BlockKey] {
  let salt = "transfer benchmark, series \(series)"
  var key = BlockKey.root(
    modelDigest: [UInt8](salt.utf8),
    numericsID: "",
    layout: "",
    blockSizeTokens: WorkerLink.blockTokens
  )
  return (0..<count).map { index in
    key = key.child(of: [TokenID(index)])
    return key
  }
}
