import BlockCache
import Foundation
import MeshTypes
import TieredStore

/// Replays traces through the eviction policies, and through a whole memory tier with each.
@main
struct EvictionBenchmark {
  private static let usage = """
    usage: eviction-benchmark TRACE.jsonl… [--capacities BLOCKS,BLOCKS,…]
    Replays traces of block ids through the eviction policies of the KV store. Prints for each
    capacity the share of blocks found, the share of prompt tokens in the longest prefix found, and
    the time of one access.
    """

  private struct Column: Sendable {
    var title: String
    var replay: @Sendable (Trace, Int) -> CacheReplay
  }

  private static let columns = [
    Column(title: "LRU") { CacheReplay($0, capacityBlocks: $1, policy: LRUPolicy()) },
    Column(title: "SIEVE") { CacheReplay($0, capacityBlocks: $1, policy: SIEVEPolicy()) },
    Column(title: "S3-FIFO") { CacheReplay($0, capacityBlocks: $1, policy: S3FIFOPolicy()) },
    // One use in the small queue is enough to stay.
    Column(title: "S3-FIFO/1") {
      CacheReplay($0, capacityBlocks: $1, policy: S3FIFOPolicy(usesToStay: 1))
    },
  ]

  static func main() throws {
    var paths: [String] = []
    var capacities = [500, 1000, 2000, 5859, 10_000, 20_000, 50_000, 100_000, 200_000]
    var arguments = CommandLine.arguments.dropFirst().makeIterator()
    while let argument = arguments.next() {
      if argument == "--capacities", let list = arguments.next() {
        capacities = list.split(separator: ",").compactMap { Int($0) }.filter { $0 > 0 }
      } else {
        paths.append(argument)
      }
    }
    guard !paths.isEmpty, !capacities.isEmpty, !paths.contains(where: { $0.hasPrefix("-") }) else {
      print(usage)
      exit(64)
    }
    let throughput = try StoreThroughput()
    print(
      """
      memory store, blocks of 368640 bytes, one thread: put \
      \(fixed(throughput.putMegabytesPerSecond, 0)) MB/s, get with its checksum verified \
      \(fixed(throughput.getMegabytesPerSecond, 0)) MB/s
      """
    )
    for path in paths { try report(Trace(path: path), capacities) }
  }

  private static func report(_ trace: Trace, _ capacities: [Int]) throws {
    print(
      """

      \(trace.name): \(trace.requests.count) requests, \(trace.accessCount) blocks of \
      \(Trace.blockSizeTokens) tokens, \(trace.distinctCount) different
      """
    )
    let rows = capacities.map { capacity in
      (capacity, columns.map { $0.replay(trace, capacity) })
    }
    printTable("blocks found, %", rows) { fixed(100 * $0.blockHitRatio, 1) }
    printTable("prompt tokens in the prefix found, %", rows) {
      fixed(100 * $0.prefixHitRatio(of: trace), 1)
    }
    printTable("policy alone, ns per access", rows) { fixed($0.nanosecondsPerAccess, 0) }
    print("\nmemory tier, ns per operation: lookup in a list / get and release / put")
    for policy in EvictionPolicyKind.allCases {
      let replay = try TierReplay(trace, capacityBlocks: 20_000, policy: policy)
      print(
        padded(policy.rawValue, 10),
        padded(fixed(replay.lookup.nanoseconds, 0)),
        padded(fixed(replay.get.nanoseconds, 0)),
        padded(fixed(replay.put.nanoseconds, 0))
      )
    }
  }

  private static func printTable(
    _ title: String,
    _ rows: [(capacity: Int, replays: [CacheReplay])],
    _ value: (CacheReplay) -> String
  ) {
    print("\n\(title)\n\(padded("blocks", 10))\(columns.map { padded($0.title) }.joined())")
    for row in rows {
      print(padded(String(row.capacity), 10) + row.replays.map { padded(value($0)) }.joined())
    }
  }

  private static func padded(_ text: String, _ width: Int = 11) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  private static func fixed(_ value: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", value)
  }
}
