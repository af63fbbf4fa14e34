import BlockCache
import Foundation
import MeshTypes
import Synchronization
import TestSupport
import Testing
import TieredStore

@Suite("Memory store under threads")
struct MemoryStoreConcurrencyTests {
  private static let threadCount = 6
  private static let roundsPerThread = 4000
  private static let keyCount = 64
  private static let keys = (0..<keyCount + 4).map(BlockKey.numbered)

  /// What key `number` of tenant `tenant` holds: nothing else may ever be read under it.
  private static func payload(_ number: Int, _ tenant: Int) -> [UInt8] {
    var generator = SeededGenerator(seed: UInt64(number * 3 + tenant))
    let count = [900, 4096, 11_000][number % 3]
    return (0..<(count + 7) / 8).flatMap { _ in
      withUnsafeBytes(of: generator.next()) { Array($0) }
    }.dropLast((8 - count % 8) % 8)
  }

  @Test("readers, writers and evictions at once: every byte read is the key's own")
  func contention() throws {
    let store = try MemoryStore(
      configuration: .small(slabs: 5, policy: .s3FIFO),
      requestsHugePages: false
    )
    let tenants = try ["a", "b"].map { name in
      try store.withTier { tier throws(MeshError) in try tier.openNamespace(name) }
    }
    let payloads = (0..<Self.keyCount).map { number in
      [Self.payload(number, 0), Self.payload(number, 1)]
    }
    let tallies = Mutex(Tally())
    let group = DispatchGroup()
    for thread in 0..<Self.threadCount {
      group.enter()
      Thread {
        let tally = Worker(store: store, tenants: tenants, payloads: payloads, keys: Self.keys)
          .run(seed: UInt64(thread), rounds: Self.roundsPerThread)
        tallies.withLock { $0.add(tally) }
        group.leave()
      }.start()
    }
    group.wait()
    let tally = tallies.withLock { $0 }
    #expect(tally.wrongCount == 0)
    #expect(tally.errors == [])
    #expect(tally.readCount > 500 && tally.storedCount > 500 && tally.evictionCount > 500)
    try store.withTier { tier throws(MeshError) in
      try tier.checkInvariants()
      let statistics = tier.statistics
      #expect(statistics.counters.corruptedCount == 0)
      #expect(statistics.evictableCount == statistics.blockCount, "everything was released")
      #expect(statistics.usedBytes <= statistics.slabBytes)
    }
  }

  private struct Tally: Sendable {
    var readCount = 0
    var storedCount = 0
    var evictionCount = 0
    var wrongCount = 0
    var errors: [String] = []

    mutating func add(_ other: Tally) {
      readCount += other.readCount
      storedCount += other.storedCount
      evictionCount += other.evictionCount
      wrongCount += other.wrongCount
      errors += other.errors
    }
  }

  /// What one thread does.
  private struct Worker: Sendable {
    var store: MemoryStore
    var tenants: [NamespaceID]
    var payloads: [[[UInt8]]]
    var keys: [BlockKey]

    func run(seed: UInt64, rounds: Int) -> Tally {
      var random = SeededGenerator(seed: seed)
      var tally = Tally()
      // Blocks stay held for a while, as when their bytes wait to be sent.
      var held: [(number: Int, tenant: Int, block: HeldBlock)] = []
      for round in 0..<rounds {
        let number = Int.random(in: 0..<payloads.count, using: &random)
        let tenant = Int.random(in: 0..<2, using: &random)
        do {
          switch Int.random(in: 0..<10, using: &random) {
          case 0..<4: try write(number, tenant, &tally)
          case 4..<8:
            let wanted = keys[number..<min(number + 3, payloads.count)]
            for (offset, block) in try store.get(wanted, in: tenants[tenant]).enumerated() {
              held.append((number + offset, tenant, block))
            }
          case 8:
            try store.withTier { tier throws(MeshError) in
              _ = try tier.pinPrefix(
                of: keys[number..<number + 2],
                in: tenants[tenant],
                untilMilliseconds: UInt64(round) + 5,
                nowMilliseconds: UInt64(round)
              )
              if round % 7 == 0 { _ = tier.remove(tenants[tenant], keys[number]) }
            }
          default:
            for (namespace, block) in store.demote(atLeastBytes: 5000) {
              guard let tenant = tenants.firstIndex(of: namespace),
                let number = keys.firstIndex(of: block.key)
              else { continue }
              held.append((number, tenant, block))
            }
          }
        } catch {
          tally.errors.append("\(error)")
        }
        while held.count > Int.random(in: 0..<12, using: &random) {
          let oldest = held.removeFirst()
          tally.readCount += 1
          if oldest.block.bytes != payloads[oldest.number][oldest.tenant] { tally.wrongCount += 1 }
        }
      }
      store.withoutLeases()
      return tally
    }

    private func write(_ number: Int, _ tenant: Int, _ tally: inout Tally) throws {
      var evictions: [Eviction] = []
      let payload = payloads[number][tenant]
      let outcome = try store.put(
        payload.span.bytes,
        as: keys[number],
        in: tenants[tenant],
        nowMilliseconds: 0,
        evictions: &evictions
      )
      tally.evictionCount += evictions.count
      switch outcome {
      case .stored: tally.storedCount += 1
      case .conflict, .overQuota: tally.errors.append("\(outcome)")
      case .present, .exhausted: break
      }
    }
  }
}

extension MemoryStore {
  /// Ends every lease.
  fileprivate func withoutLeases() {
    try? withTier { tier throws(MeshError) in _ = tier.expireLeases(nowMilliseconds: .max) }
  }
}
