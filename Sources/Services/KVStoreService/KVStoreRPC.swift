import BlockCache
import GRPCCore
import MeshProtos
import MeshTypes
import ServiceLifecycle
import SwiftProtobuf
import TieredStore

/// The store's gRPC API, without the methods that carry payloads.
struct KVStoreRPC: Weft_Kvstore_V1_KVStoreService.SimpleServiceProtocol {
  let store: BlockStore

  // MARK: Finding

  func lookup(
    request: Weft_Kvstore_V1_LookupRequest,
    context: ServerContext
  ) async throws -> Weft_Kvstore_V1_LookupResponse {
    let namespace = try StoreNamespace(request.namespace)
    guard !request.keyLists.isEmpty else {
      throw MeshError.invalid("key_lists", "must not be empty")
    }
    var left = [BlockKey].mostInRequest
    let lists = try request.keyLists.enumerated().map { (index, list) throws(MeshError) in
      let keys = try [BlockKey](list, field: "key_lists[\(index)]", limit: left)
      left -= keys.count
      return keys
    }
    var response = Weft_Kvstore_V1_LookupResponse()
    for keys in lists {
      let stretches = await store.longestPrefix(of: keys, in: namespace)
      if request.prefetch { store.prefetch(keys, stretches, in: namespace) }
      response.matches.append(
        .with {
          $0.blockCount = UInt32(stretches.reduce(0) { $0 + $1.blockCount })
          $0.stretches = stretches.map { stretch in
            .with {
              $0.tier = stretch.tier
              $0.blockCount = UInt32(stretch.blockCount)
              $0.byteCount = UInt64(stretch.byteCount)
              $0.estimatedMicroseconds = store.estimatedMicroseconds(of: stretch)
            }
          }
        }
      )
    }
    return response
  }

  func touch(
    request: Weft_Kvstore_V1_TouchRequest,
    context: ServerContext
  ) async throws -> Weft_Kvstore_V1_TouchResponse {
    let namespace = try StoreNamespace(request.namespace)
    let keys = try [BlockKey](request.keys, field: "keys")
    let count = await store.touch(keys, in: namespace)
    return .with { $0.touchedCount = UInt32(count) }
  }

  func remove(
    request: Weft_Kvstore_V1_RemoveRequest,
    context: ServerContext
  ) async throws -> Weft_Kvstore_V1_RemoveResponse {
    let namespace = try StoreNamespace(request.namespace)
    let keys = try [BlockKey](request.keys, field: "keys")
    let count = await store.remove(keys, in: namespace)
    return .with { $0.removedCount = UInt32(count) }
  }

  // MARK: Leases

  func acquireLease(
    request: Weft_Kvstore_V1_AcquireLeaseRequest,
    context: ServerContext
  ) async throws -> Weft_Kvstore_V1_AcquireLeaseResponse {
    let namespace = try StoreNamespace(request.namespace)
    let keys = try [BlockKey](request.keys, field: "keys")
    let duration = try checkedDuration(request.durationMilliseconds)
    guard let id = store.namespaceID(of: namespace) else { return .init() }
    let now = store.now()
    let (lease, count) = try store.memory.withTier { (tier) throws(MeshError) in
      let kept = try tier.pinPrefix(
        of: keys,
        in: id,
        untilMilliseconds: now + duration,
        nowMilliseconds: now
      )
      return Kept(lease: kept.lease, count: kept.blockCount)
    }.parts
    return .with {
      $0.lease = lease?.rawValue ?? 0
      $0.blockCount = UInt32(count)
    }
  }

  private struct Kept: Sendable {
    var lease: LeaseID?
    var count: Int
    var parts: (LeaseID?, Int) { (lease, count) }
  }

  func renewLease(
    request: Weft_Kvstore_V1_RenewLeaseRequest,
    context: ServerContext
  ) async throws -> Weft_Kvstore_V1_RenewLeaseResponse {
    let namespace = try StoreNamespace(request.namespace)
    let duration = try checkedDuration(request.durationMilliseconds)
    guard let id = store.namespaceID(of: namespace) else {
      throw MeshError(.notFound, "no lease \(request.lease)", field: "lease")
    }
    let now = store.now()
    try store.memory.withTier { (tier) throws(MeshError) in
      try tier.extend(
        LeaseID(rawValue: request.lease),
        in: id,
        untilMilliseconds: now + duration,
        nowMilliseconds: now
      )
    }
    return .init()
  }

  func releaseLease(
    request: Weft_Kvstore_V1_ReleaseLeaseRequest,
    context: ServerContext
  ) async throws -> Weft_Kvstore_V1_ReleaseLeaseResponse {
    let namespace = try StoreNamespace(request.namespace)
    if let id = store.namespaceID(of: namespace) {
      _ = store.memory.withTier { $0.unpin(LeaseID(rawValue: request.lease), in: id) }
    }
    return .init()
  }

  private func checkedDuration(_ milliseconds: UInt32) throws(MeshError) -> UInt64 {
    let longest = store.memory.configuration.longestLeaseMilliseconds
    guard (1...longest).contains(UInt64(milliseconds)) else {
      throw .invalid("duration_milliseconds", "must be in 1...\(longest), got \(milliseconds)")
    }
    return UInt64(milliseconds)
  }

  // MARK: Tenants and status

  func setQuota(
    request: Weft_Kvstore_V1_SetQuotaRequest,
    context: ServerContext
  ) async throws -> Weft_Kvstore_V1_SetQuotaResponse {
    let namespace = try StoreNamespace(request.namespace)
    try store.setQuota(
      of: namespace,
      toBytes: request.hasQuotaBytes ? Int(clamping: request.quotaBytes) : .max
    )
    return .init()
  }

  func getStatus(
    request: Weft_Kvstore_V1_GetStatusRequest,
    context: ServerContext
  ) async throws -> Weft_Kvstore_V1_GetStatusResponse {
    store.status()
  }

  func watchEvictions(
    request: Weft_Kvstore_V1_WatchEvictionsRequest,
    response: RPCWriter<Weft_Kvstore_V1_WatchEvictionsResponse>,
    context: ServerContext
  ) async throws {
    let namespace = request.namespace.isEmpty ? nil : try StoreNamespace(request.namespace)
    let watch = EvictionWatch(
      store: store,
      namespace: namespace?.name,
      after: request.hasAfterSequence ? request.afterSequence : nil
    )
    try await watch.run(response, context)
  }

  // MARK: Served by BlockRPC

  func get(
    request: Weft_Kvstore_V1_GetRequest,
    response: RPCWriter<Weft_Kvstore_V1_GetResponse>,
    context: ServerContext
  ) async throws {
    throw MeshError(.internalError, "Get is registered with blocks")
  }

  func put(
    request: RPCAsyncSequence<Weft_Kvstore_V1_PutRequest, any Error>,
    response: RPCWriter<Weft_Kvstore_V1_PutResponse>,
    context: ServerContext
  ) async throws {
    throw MeshError(.internalError, "Put is registered with blocks")
  }
}
