import BlockCache
import Checksum
import Foundation
import MeshTypes
import Testing
import TieredStore

@Suite("Memory store")
struct MemoryStoreTests {
  @Test("An arena that is to be resident has all its pages before anything is written")
  func resident() throws {
    // So much that what other tests do meanwhile does not matter.
    let megabytes = 512
    let before = try residentPages()
    let arena = try MemoryArena(byteCount: megabytes << 20, isResident: true)
    #expect(try residentPages() - before > megabytes * 7 / 8 * 256)
    withExtendedLifetime(arena) {}
  }

  /// Pages of 4 KiB of this process.
  private func residentPages() throws -> Int {
    let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(
      separator: " "
    )
    return Int(fields[1]) ?? 0
  }

  private func makeStore(
    slabs: Int = 2,
    verifiesReads: Bool = true
  ) throws -> (MemoryStore, NamespaceID) {
    let store = try MemoryStore(
      configuration: .small(slabs: slabs),
      verifiesReads: verifiesReads,
      requestsHugePages: false
    )
    return (store, try store.withTier { tier throws(MeshError) in try tier.openNamespace("t") })
  }

  private func put(
    _ number: Int,
    _ bytes: [UInt8],
    in store: MemoryStore,
    _ namespace: NamespaceID,
    checksum: UInt32? = nil
  ) throws -> PutOutcome {
    var evictions: [Eviction] = []
    return try store.put(
      bytes.span.bytes,
      as: .numbered(number),
      in: namespace,
      checksum: checksum,
      nowMilliseconds: 0,
      evictions: &evictions
    )
  }

  @Test("what was put is got, with its checksum")
  func roundTrip() throws {
    let (store, tenant) = try makeStore()
    let payload = [UInt8](0..<200) + [UInt8](repeating: 7, count: 3000)
    let checksum = CRC32C.checksum(payload.span.bytes)
    #expect(try put(1, payload, in: store, tenant, checksum: checksum) == .stored)
    let block = try #require(try store.get(.numbered(1), in: tenant))
    #expect(block.bytes == payload && block.checksum == checksum && block.byteCount == 3200)
    #expect(block.key == .numbered(1))
    #expect(try store.get(.numbered(2), in: tenant) == nil)
    #expect(store.arena.byteCount == 2 << 16)
  }

  @Test("the same key with other bytes is a conflict, and the first stays")
  func conflict() throws {
    let (store, tenant) = try makeStore()
    #expect(try put(1, [1, 2, 3], in: store, tenant) == .stored)
    #expect(try put(1, [1, 2, 3], in: store, tenant) == .present)
    #expect(try put(1, [1, 2, 4], in: store, tenant) == .conflict)
    #expect(try put(1, [1, 2], in: store, tenant) == .conflict)
    #expect(try store.get(.numbered(1), in: tenant)?.bytes == [1, 2, 3])
    try store.withTier { tier throws(MeshError) in try tier.checkInvariants() }
  }

  @Test("a payload that does not have the checksum sent with it is refused")
  func wrongChecksum() throws {
    let (store, tenant) = try makeStore()
    #expect(
      errorCode { _ = try put(1, [1, 2, 3], in: store, tenant, checksum: 1) } == .corrupted
    )
    #expect(try store.get(.numbered(1), in: tenant) == nil)
    #expect(errorCode { _ = try put(1, [], in: store, tenant) } == .outOfRange)
  }

  @Test("a reservation is filled in place; one that goes away unpublished leaves nothing")
  func reservation() throws {
    let (store, tenant) = try makeStore()
    func reserve(_ number: Int, fill: UInt8?) throws -> PutOutcome {
      var evictions: [Eviction] = []
      let result = try store.reserve(
        byteCount: 100,
        as: .numbered(number),
        in: tenant,
        nowMilliseconds: 0,
        evictions: &evictions
      )
      switch consume result {
      case .refused(let outcome): return outcome
      case .reserved(var reservation):
        guard let fill else { return .exhausted }
        reservation.withUnsafeMutableBytes { room in
          for index in room.indices { room[index] = fill }
        }
        return reservation.publish()
      }
    }
    #expect(try reserve(1, fill: nil) == .exhausted)
    try store.withTier { tier throws(MeshError) in
      #expect(tier.statistics.usedBytes == 0)
      try tier.checkInvariants()
    }
    #expect(try reserve(1, fill: 9) == .stored)
    #expect(try store.get(.numbered(1), in: tenant)?.bytes == [UInt8](repeating: 9, count: 100))
    #expect(try reserve(1, fill: 9) == .present)
  }

  @Test("a writer that comes second learns whether it had the same bytes")
  func race() throws {
    let (store, tenant) = try makeStore()
    for (fill, expected) in [(UInt8(5), PutOutcome.present), (6, .conflict)] {
      try store.withTier { tier throws(MeshError) in _ = tier.remove(tenant, .numbered(1)) }
      var evictions: [Eviction] = []
      let result = try store.reserve(
        byteCount: 3,
        as: .numbered(1),
        in: tenant,
        nowMilliseconds: 0,
        evictions: &evictions
      )
      guard case .reserved(var reservation) = consume result else {
        Issue.record("no room")
        return
      }
      #expect(try put(1, [5, 5, 5], in: store, tenant) == .stored)
      reservation.withUnsafeMutableBytes { room in
        for index in room.indices { room[index] = fill }
      }
      #expect(reservation.publish() == expected)
      #expect(try store.get(.numbered(1), in: tenant)?.bytes == [5, 5, 5])
    }
    try store.withTier { tier throws(MeshError) in try tier.checkInvariants() }
  }

  @Test("damaged bytes are never given where reads are verified")
  func damage() throws {
    let (store, tenant) = try makeStore()
    for number in 1...3 {
      #expect(try put(number, [UInt8](repeating: 8, count: 500), in: store, tenant) == .stored)
    }
    let keys = (1...3).map(BlockKey.numbered)
    try flipBit(of: 2, at: 499, in: store, tenant)
    #expect(try store.get(keys, in: tenant).map(\.key) == [.numbered(1)])
    try store.withTier { tier throws(MeshError) in
      #expect(tier.statistics.counters.corruptedCount == 1)
      #expect(tier.statistics.blockCount == 2)
      try tier.checkInvariants()
    }
    // It may come again.
    #expect(try put(2, [UInt8](repeating: 8, count: 500), in: store, tenant) == .stored)
    #expect(try store.get(keys, in: tenant).count == 3)
  }

  @Test("a good block takes the place of a damaged one of its key")
  func damagedFirst() throws {
    let (store, tenant) = try makeStore()
    #expect(try put(1, [1, 2, 3], in: store, tenant) == .stored)
    try flipBit(of: 1, at: 0, in: store, tenant)
    #expect(try put(1, [1, 2, 3], in: store, tenant) == .stored)
    #expect(try store.get(.numbered(1), in: tenant)?.bytes == [1, 2, 3])
  }

  /// Damages a stored block as failing memory would.
  private func flipBit(
    of number: Int,
    at index: Int,
    in store: MemoryStore,
    _ namespace: NamespaceID
  ) throws {
    let block = try #require(try store.get(.numbered(number), in: namespace))
    block.withUnsafeBytes { bytes in
      UnsafeMutableRawBufferPointer(mutating: bytes)[index] ^= 1
    }
  }

  @Test("a held block keeps its bytes whatever is stored, removed or demoted meanwhile")
  func held() throws {
    let (store, tenant) = try makeStore(slabs: 1)
    let payload = [UInt8](repeating: 3, count: 4096)
    #expect(try put(1, payload, in: store, tenant) == .stored)
    let block = try #require(try store.get(.numbered(1), in: tenant))
    try store.withTier { tier throws(MeshError) in _ = tier.remove(tenant, .numbered(1)) }
    for number in 2..<60 {
      #expect(
        try put(number, [UInt8](repeating: UInt8(number), count: 4096), in: store, tenant)
          == .stored
      )
    }
    #expect(block.bytes == payload)
    let demoted = store.demote(atLeastBytes: 1)
    #expect(demoted.map(\.block.key) == [.numbered(45)])
    #expect(try put(100, payload, in: store, tenant) == .stored)
    #expect(demoted[0].block.bytes == [UInt8](repeating: 45, count: 4096))
  }

  @Test("a store full of held blocks is exhausted, which is a normal answer")
  func exhausted() throws {
    let (store, tenant) = try makeStore(slabs: 1)
    var held: [HeldBlock] = []
    for number in 0..<16 {
      #expect(try put(number, [UInt8](repeating: 1, count: 4096), in: store, tenant) == .stored)
      held += try store.get([.numbered(number)], in: tenant)
    }
    #expect(try put(99, [1], in: store, tenant) == .exhausted)
    held = []
    #expect(try put(99, [1], in: store, tenant) == .stored)
  }
}
