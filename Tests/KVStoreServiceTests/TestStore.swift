import BlockCache
import Checksum
import FoundationEssentials
import GRPCCore
import GRPCCoreTransport
import Glibc
import KVStoreService
import KVStoreWire
import MeshProtos
import MeshRuntime
import MeshTypes
import SegmentStore
import ServiceLifecycle
import ServiceTesting
import SwiftProtobuf
import SystemPackage
import TestSupport

/// A store service on a unix socket, in this process.
struct TestStore: Sendable {
  let grpc: GRPCClient<CoreClientTransport>
  let client: Weft_Kvstore_V1_KVStoreService.Client<CoreClientTransport>

  /// A client's view of the store behind `grpc`.
  init(_ grpc: GRPCClient<CoreClientTransport>) {
    self.grpc = grpc
    client = .init(wrapping: grpc)
  }

  /// Runs `body` with a store of its own, which is stopped in good order afterwards.
  ///
  /// - Parameters:
  ///   - flags: Settings beside 8 MiB of memory in slabs of 1 MiB and blocks up to 256 KiB.
  ///   - device: Where segments are, if the flags name a directory.
  ///   - milliseconds: The clock of leases.
  static func with<Result: Sendable>(
    _ flags: [String: String] = [:],
    device: (any SegmentDevice)? = nil,
    milliseconds: @escaping @Sendable () -> UInt64 = KVStoreServer.elapsedMilliseconds(),
    _ body: (TestStore) async throws -> Result
  ) async throws -> Result {
    let reader = try await settings(
      ["memory-mib": "8", "slab-bytes": "\(1 << 20)", "max-block-bytes": "\(256 << 10)"]
        .merging(flags) { $1 }
    )
    let device = try await openDevice(device, flags)
    let server = try await KVStoreServer(
      settings: try await KVStoreSettings(reader),
      logger: .silent,
      openDevice: { settings throws(MeshError) in
        if let device { return device }
        return try SegmentDirectory(path: settings.directory)
      },
      milliseconds: milliseconds
    )
    let group = ServiceGroup(services: server.services, logger: .silent)
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      let result = try await withClient(of: try await server.server.boundAddress) { grpc in
        try await body(TestStore(grpc))
      }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
      return result
    }
  }

  /// A store before this one gives its directory back when the last of it is gone.
  private static func openDevice(
    _ device: (any SegmentDevice)?,
    _ flags: [String: String]
  ) async throws -> (any SegmentDevice)? {
    guard device == nil, let directory = flags["directory"] else { return device }
    let reading: SegmentDirectory.Reading = flags["disk-io"] == "pread" ? .blocking : .automatic
    var opened: SegmentDirectory?
    try await eventually {
      opened = try? SegmentDirectory(path: directory, reading: reading)
      return opened != nil
    }
    return opened
  }

  // MARK: Calls

  /// Stores blocks in one call.
  ///
  /// - Returns: The outcomes' codes.
  @discardableResult
  func put(_ blocks: [TestBlock], in namespace: String = "shared") async throws -> [Int32] {
    try await put(
      blocks.map {
        PutBlock(
          namespace: namespace,
          key: $0.key,
          checksum: CRC32C.checksum($0.payload.span.bytes),
          payload: BlockBytes(copying: $0.payload.span.bytes)
        )
      }
    ).map(\.code)
  }

  /// Stores blocks in one call.
  func put(_ messages: [PutBlock]) async throws -> [Weft_Kvstore_V1_PutResponse] {
    try await Weft_Kvstore_V1_KVStoreService.putBlocks(on: grpc, options: .bounded) { writer in
      for message in messages { try await writer.write(message) }
    } onResponse: { response in
      try await response.messages.reduce(into: []) { $0.append($1) }
    }
  }

  /// Reads blocks.
  func get(
    _ blocks: [TestBlock],
    in namespace: String = "shared",
    skipsMissing: Bool = true
  ) async throws -> [Got] {
    let request = Weft_Kvstore_V1_GetRequest.with {
      $0.namespace = namespace
      $0.keys = blocks.keys
      $0.skipMissing = skipsMissing
    }
    return try await Weft_Kvstore_V1_KVStoreService.getBlocks(
      request,
      on: grpc,
      options: .bounded
    ) { response in
      try await response.messages.reduce(into: []) { got, block in
        got.append(
          Got(
            index: Int(block.keyIndex),
            tier: block.tier,
            checksum: block.checksum,
            payload: block.payload.array
          )
        )
      }
    }
  }

  /// A block that was read.
  struct Got: Sendable {
    var index: Int
    var tier: Weft_Kvstore_V1_Tier
    var checksum: UInt32
    var payload: [UInt8]
  }

  func lookup(
    _ blocks: [TestBlock],
    in namespace: String = "shared",
    prefetch: Bool = false
  ) async throws -> Weft_Kvstore_V1_PrefixMatch {
    let response = try await client.lookup(
      .with {
        $0.namespace = namespace
        $0.keyLists = [blocks.keys]
        $0.prefetch = prefetch
      },
      options: .bounded
    )
    return response.matches.first ?? .init()
  }

  func status() async throws -> Weft_Kvstore_V1_GetStatusResponse {
    try await client.getStatus(.init(), options: .bounded)
  }

  func status(
    ofNamespace name: String
  ) async throws -> Weft_Kvstore_V1_NamespaceStatus? {
    try await status().namespaces.first { $0.namespace == name }
  }
}

extension [TestStore.Got] {
  /// Whether every one has the bytes of the block that it was asked for as, and there are any. A
  /// word instead of the bytes, which nobody could read.
  func hasPayloads(of blocks: [TestBlock]) -> Bool {
    !isEmpty && allSatisfy { $0.payload == blocks[$0.index].payload }
  }
}

/// A numbered block: its key, and the payload that belongs to it.
struct TestBlock: Hashable, Sendable {
  var number: Int
  var payload: [UInt8]

  /// A block of `byteCount` bytes; `version` tells payloads of one key apart.
  init(_ number: Int, byteCount: Int = 64 << 10, version: Int = 0) {
    self.number = number
    var generator = SeededGenerator(seed: UInt64(number) << 8 ^ UInt64(version))
    payload = [UInt8](unsafeUninitializedCapacity: byteCount) { bytes, initialized in
      for start in stride(from: 0, to: byteCount, by: 8) {
        let word = generator.next()
        for byte in start..<min(start + 8, byteCount) {
          bytes[byte] = UInt8(truncatingIfNeeded: word >> (8 * UInt64(byte - start)))
        }
      }
      initialized = byteCount
    }
  }

  var key: BlockKey {
    var generator = SeededGenerator(seed: UInt64(number) ^ 0x6b65_7973)
    let bytes = (0..<BlockKey.byteCount).map { _ in UInt8.random(in: 0...255, using: &generator) }
    return BlockKey(from: bytes.span.bytes, at: 0)
  }
}

extension [TestBlock] {
  /// The keys as requests carry them.
  var keys: Data { reduce(into: Data()) { $0.append(contentsOf: $1.key.bytes) } }
}

/// Blocks of some numbers.
func blocks(_ numbers: Range<Int>, byteCount: Int = 64 << 10) -> [TestBlock] {
  numbers.map { TestBlock($0, byteCount: byteCount) }
}

/// A directory that is removed when `body` is through.
func withTemporaryDirectory<Result>(
  _ body: (String) async throws -> Result
) async throws -> Result {
  var template = Array("/tmp/weft-kvstore-XXXXXX".utf8CString)
  guard let made = mkdtemp(&template) else { throw Errno(rawValue: errno) }
  let path = String(cString: made)
  defer { removeDirectory(path) }
  return try await body(path)
}

private func removeDirectory(_ path: String) {
  try? FileManager.default.removeItem(atPath: path)
}
