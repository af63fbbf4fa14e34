import BlockCache
import GRPCCore
import GRPCCoreTransport
import KVStoreClient
import Logging
import MeshProtos
import MeshTypes
import Scheduling
import SwiftProtobuf

/// A tier of the store at a limited speed.
struct StoreVariant: Hashable, Sendable, CustomStringConvertible {
  var tier: StoreTier
  /// MB/s; nil: as fast as it is.
  var limit: Int?

  var description: String {
    "\(tier == .memory ? "memory" : "disk"), \(limit.map { "\($0) MB/s" } ?? "no limit")"
  }

  /// The flags of `weft-kvstore`.
  func arguments(directory: String) -> [String] {
    switch tier {
    case .memory:
      ["--memory-mib", "1024"] + (limit.map { ["--memory-read-mbps", "\($0)"] } ?? [])
    case .disk:
      StoreProcess.diskArguments(directory: directory)
        + (limit.map { ["--disk-read-mbps", "\($0)"] } ?? [])
    }
  }
}

/// A running store, and what its users ask it.
struct StoreProcess: Sendable {
  let cluster: StoreCluster
  private let client: Weft_Kvstore_V1_KVStoreService.Client<CoreClientTransport>

  static func diskArguments(directory: String) -> [String] {
    [
      "--memory-mib", "512", "--directory", directory, "--disk-mib", "16384",
      "--disk-writes", "write-through",
    ]
  }

  /// Runs a store while `body` runs.
  static func with<Result: Sendable>(
    at address: TransportAddress,
    _ arguments: [String],
    _ body: (StoreProcess) async throws -> Result
  ) async throws -> Result {
    let cluster = StoreCluster(
      settings: StoreClusterSettings(addresses: [address]),
      logger: Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
    )
    return try await ChildProcess.with("weft-kvstore", ["--listen", "\(address)"] + arguments) {
      try await withGRPCClient(transport: CoreClientTransport(address: address)) { client in
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask { try await cluster.run() }
          let store = StoreProcess(
            cluster: cluster,
            client: Weft_Kvstore_V1_KVStoreService.Client(wrapping: client)
          )
          _ = try await store.status()
          let result = try await body(store)
          group.cancelAll()
          while await group.nextResult() != nil {}
          return result
        }
      }
    }
  }

  private func status() async throws -> Weft_Kvstore_V1_GetStatusResponse {
    var options = CallOptions.defaults
    options.waitForReady = true
    options.timeout = .seconds(60)
    return try await client.getStatus(.init(), options: options)
  }

  /// Has blocks put until all are here: whoever puts them may not have found the store yet, and
  /// drops what cannot go fast enough.
  func waitUntilStored(_ keys: [BlockKey], _ put: () async throws -> Void) async throws {
    for _ in 0..<300 {
      try await put()
      if await cluster.lookup(keys, in: WorkerLink.namespace).blockCount == keys.count { return }
      try await Task.sleep(for: .milliseconds(100))
    }
    throw MeshError(.internalError, "not all of \(keys.count) blocks were stored")
  }

  /// Waits until so many blocks are on disk.
  func waitForDisk(blocks: Int) async throws {
    for _ in 0..<6000 {
      if try await status().disk.blocks >= blocks { return }
      try await Task.sleep(for: .milliseconds(10))
    }
    throw MeshError(.internalError, "not all of \(blocks) blocks came to the disk")
  }

  /// What the store says of a prefix when a scheduler asks before it fetches.
  func lookup(_ keys: [BlockKey], prefetch: Bool) async throws -> StoredPrefix {
    let found = await cluster.lookup(keys, in: WorkerLink.namespace, prefetch: prefetch)
    guard found.blockCount == keys.count else {
      throw MeshError(.internalError, "\(found.blockCount) of \(keys.count) blocks were found")
    }
    return StoredPrefix(
      stretches: found.stretches.map { stretch in
        StoredPrefix.Stretch(
          tier: stretch.tier == .memory ? .memory : .disk,
          blockCount: stretch.blockCount,
          estimatedMicroseconds: Double(stretch.estimatedMicroseconds)
        )
      }
    )
  }
}
