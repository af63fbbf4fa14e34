import BlockCache
import Checksum
import FoundationEssentials
package import GRPCCore
package import KVStoreWire
package import MeshProtos
import SwiftProtobuf

/// Get and Put of a ``FakeStore``, and its other methods.
package struct FakeBlockService: KVStoreBlockService, RegistrableRPCService {
  let store: FakeStore

  package init(store: FakeStore) { self.store = store }

  package func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>)
  {
    FakeStoreService(store: store).registerMethods(with: &router)
    registerBlockMethods(with: &router)
  }

  package func get(
    _ request: Weft_Kvstore_V1_GetRequest,
    to writer: RPCWriter<GotBlock>,
    context: ServerContext
  ) async throws {
    let behaviour = try await store.enter(context)
    for (index, key) in request.keys.blockKeys.enumerated() {
      if case .stallsAfter(index) = behaviour { try await FakeStore.wait(context) }
      if case .holdsAfter(index) = behaviour { await store.waitForRelease() }
      if case .failsAfter(index) = behaviour {
        throw RPCError(code: .internalError, message: "broken on purpose")
      }
      guard let block = store.blocks[key] else { return }
      var place = UInt32(index)
      if case .nonsense = behaviour { place += 1 }
      try await writer.write(
        GotBlock(
          keyIndex: place,
          tier: block.tier,
          checksum: CRC32C.checksum(block.payload.span.bytes),
          payload: BlockBytes(copying: block.payload.span.bytes)
        )
      )
    }
  }

  package func put(
    _ blocks: RPCAsyncSequence<PutBlock, any Error>,
    to writer: RPCWriter<Weft_Kvstore_V1_PutResponse>,
    context: ServerContext
  ) async throws {
    let behaviour = try await store.enter(context)
    if case .failsAfter(0) = behaviour {
      throw RPCError(code: .internalError, message: "broken on purpose")
    }
    var incomplete: [BlockKey: [UInt8]] = [:]
    for try await part in blocks {
      let payload = (incomplete[part.key] ?? []) + part.payload.array
      store.countPart(of: part.key)
      guard payload.count == part.totalBytes ?? UInt64(payload.count) else {
        incomplete[part.key] = payload
        continue
      }
      incomplete[part.key] = nil
      let code = store.put(part.key, payload, checksum: part.checksum)
      try await writer.write(.with { $0.code = Int32(code.rawValue) })
    }
  }
}

/// The unary methods of a ``FakeStore`` that its clients use.
private struct FakeStoreService: Weft_Kvstore_V1_KVStoreService.SimpleServiceProtocol {
  let store: FakeStore

  func lookup(
    request: Weft_Kvstore_V1_LookupRequest,
    context: ServerContext
  ) async throws -> Weft_Kvstore_V1_LookupResponse {
    let behaviour = try await store.enter(context)
    let blocks = store.blocks
    return .with {
      $0.matches = request.keyLists.map { list in
        let found = list.blockKeys.map { blocks[$0] }.prefix { $0 != nil }.compactMap(\.self)
        return .with {
          $0.stretches = found.map(Self.stretch)
          $0.blockCount = UInt32(found.count)
          if case .nonsense = behaviour { $0.blockCount += 1 }
        }
      }
    }
  }

  /// A stretch of one block, which takes a microsecond a byte from memory and ten from disk.
  private static func stretch(_ block: FakeStore.Block) -> Weft_Kvstore_V1_TierStretch {
    .with {
      $0.tier = block.tier
      $0.blockCount = 1
      $0.byteCount = UInt64(block.payload.count)
      $0.estimatedMicroseconds = UInt64(block.payload.count) * (block.tier == .dram ? 1 : 10)
    }
  }

  func remove(
    request: Weft_Kvstore_V1_RemoveRequest,
    context: ServerContext
  ) async throws -> Weft_Kvstore_V1_RemoveResponse {
    _ = try await store.enter(context)
    let keys = request.keys.blockKeys
    let before = store.blocks
    store.blocks = before.filter { !keys.contains($0.key) }
    return .with { $0.removedCount = UInt32(keys.count { before[$0] != nil }) }
  }

  // MARK: What nobody calls

  private static let unused = RPCError(code: .unimplemented, message: "no part of the fake")

  func get(
    request: Weft_Kvstore_V1_GetRequest,
    response: RPCWriter<Weft_Kvstore_V1_GetResponse>,
    context: ServerContext
  ) async throws { throw Self.unused }

  func put(
    request: RPCAsyncSequence<Weft_Kvstore_V1_PutRequest, any Error>,
    response: RPCWriter<Weft_Kvstore_V1_PutResponse>,
    context: ServerContext
  ) async throws { throw Self.unused }

  func touch(
    request: Weft_Kvstore_V1_TouchRequest,
    context: ServerContext
  ) async throws -> Weft_Kvstore_V1_TouchResponse { throw Self.unused }

  func acquireLease(
    request: Weft_Kvstore_V1_AcquireLeaseRequest,
    context: ServerContext
  ) async throws -> Weft_Kvstore_V1_AcquireLeaseResponse { throw Self.unused }

  func renewLease(
    request: Weft_Kvstore_V1_RenewLeaseRequest,
    context: ServerContext
  ) async throws -> Weft_Kvstore_V1_RenewLeaseResponse { throw Self.unused }

  func releaseLease(
    request: Weft_Kvstore_V1_ReleaseLeaseRequest,
    context: ServerContext
  ) async throws -> Weft_Kvstore_V1_ReleaseLeaseResponse { throw Self.unused }

  func setQuota(
    request: Weft_Kvstore_V1_SetQuotaRequest,
    context: ServerContext
  ) async throws -> Weft_Kvstore_V1_SetQuotaResponse { throw Self.unused }

  func getStatus(
    request: Weft_Kvstore_V1_GetStatusRequest,
    context: ServerContext
  ) async throws -> Weft_Kvstore_V1_GetStatusResponse { throw Self.unused }

  func watchEvictions(
    request: Weft_Kvstore_V1_WatchEvictionsRequest,
    response: RPCWriter<Weft_Kvstore_V1_WatchEvictionsResponse>,
    context: ServerContext
  ) async throws { throw Self.unused }
}

extension Data {
  /// Keys as the wire has them, 32 bytes each.
  fileprivate var blockKeys: [BlockKey] {
    stride(from: startIndex, to: endIndex, by: BlockKey.byteCount).compactMap {
      BlockKey(bytes: self[$0..<Swift.min($0 + BlockKey.byteCount, endIndex)])
    }
  }
}
