import BlockCache
import GRPCCore
import GRPCCoreTransport
import KVStoreClient
import KVStoreWire
import Logging
import MeshTypes
import ServiceTesting
import Synchronization

/// Where the tests' blocks are.
let namespace = "tenant"

/// A time that moves when a test says so.
final class ManualTime: Sendable {
  private let instant = Mutex(ContinuousClock.now)

  var now: ContinuousClock.Instant { instant.withLock(\.self) }

  func advance(by duration: Duration) { instant.withLock { $0 += duration } }
}

/// Runs `body` with a client of `stores`, each behind a unix socket of its own.
///
/// Nothing takes too long for the client unless `change` says so: the machine may be busy.
func withCluster<Result: Sendable>(
  of stores: [FakeStore],
  time: ManualTime = ManualTime(),
  _ change: (inout StoreClusterSettings) -> Void = { _ in },
  _ body: (StoreCluster) async throws -> Result
) async throws -> Result {
  let servers = stores.map { store in
    GRPCServer(
      transport: CoreServerTransport(address: .unix(path: uniqueSocketPath())),
      services: [FakeBlockService(store: store)]
    )
  }
  return try await withThrowingTaskGroup(of: Void.self) { group in
    for server in servers { group.addTask { try await server.serve() } }
    var settings = StoreClusterSettings(addresses: [])
    for server in servers { settings.addresses.append(try await server.transport.listeningAddress) }
    settings.connectTimeout = .seconds(20)
    settings.lookupTimeout = .seconds(20)
    settings.stallTimeout = .seconds(20)
    settings.putTimeout = .seconds(20)
    change(&settings)
    let cluster = StoreCluster(settings: settings, logger: .silent, now: { time.now })
    group.addTask { try await cluster.run() }
    let result = try await body(cluster)
    group.cancelAll()
    while await group.nextResult() != nil {}
    return result
  }
}

extension BlockKey {
  /// Any keys, always the same.
  static func some(_ count: Int, seed: TokenID = 0) -> [BlockKey] {
    let root = BlockKey.root(modelDigest: [], numericsID: "", layout: "", blockSizeTokens: 1)
    return (0..<TokenID(count)).map { root.child(of: [seed, $0]) }
  }
}

extension FakeStore.Block {
  /// The payload of the block with a number: as long as it says, and like no other's.
  static func number(_ number: Int, byteCount: Int = 100) -> Self {
    Self(payload: (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ number) })
  }
}

extension StoreClusterSettings {
  /// Adds a replica that is not there. Looking for it takes as long as a connection may; the others'
  /// connections may take longer where the machine is busy, so that a test has to try again.
  mutating func addNobody() {
    addresses.append(.unix(path: uniqueSocketPath()))
    connectTimeout = .milliseconds(200)
  }
}

extension StoreCluster {
  /// The fakes' places: which of the stores has each key.
  func owners(of keys: [BlockKey]) -> [Int] {
    let placement = StorePlacement(names: settings.addresses.map { "\($0)" })
    return keys.map { placement.replica(of: $0) }
  }

  /// Puts numbered blocks where they belong.
  func fill(_ stores: [FakeStore], _ keys: [BlockKey], _ block: (Int) -> FakeStore.Block?) {
    for (number, owner) in owners(of: keys).enumerated() {
      stores[owner].blocks[keys[number]] = block(number)
    }
  }

  /// Reads blocks, and checks that they come in order.
  func collect(
    _ keys: [BlockKey],
    deadline: ContinuousClock.Instant = .now + .seconds(30)
  ) async -> (payloads: [[UInt8]], report: GetReport) {
    var payloads: [[UInt8]] = []
    let report = await get(keys, in: namespace, deadline: deadline) { place, block in
      guard place == payloads.count else { return false }
      payloads.append(block.payload.array)
      return true
    }
    return (payloads, report)
  }
}

extension [BlockKey] {
  /// The keys with their numbered blocks.
  func outgoing(_ block: (Int) -> FakeStore.Block = { .number($0) }) -> [OutgoingBlock] {
    enumerated().map { number, key in
      OutgoingBlock(key: key, payload: BlockBytes(copying: block(number).payload.span.bytes))
    }
  }
}
