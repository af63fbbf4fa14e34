package import BlockCache
import GRPCCore
package import KVStoreWire
import Logging
import MeshProtos
import MeshRuntime
import SwiftProtobuf
import Synchronization

/// A block to store.
package struct OutgoingBlock: Sendable {
  package var key: BlockKey
  package var payload: BlockBytes

  package init(key: BlockKey, payload: BlockBytes) {
    self.key = key
    self.payload = payload
  }
}

extension StoreCluster {
  /// Which of some blocks are there, each for itself; nil where the replica did not answer.
  package func presence(of keys: [BlockKey], in namespace: String) async -> [Bool?] {
    let keys = Array(keys.prefix(Self.maximumKeys))
    let places = placement.places(of: keys)
    var presence = [Bool?](repeating: nil, count: keys.count)
    await withTaskGroup(of: ([Int], [Bool]?).self) { group in
      for (replica, places) in zip(replicas, places) where !places.isEmpty {
        group.addTask {
          (places, await self.presence(of: places.map { keys[$0] }, in: namespace, on: replica))
        }
      }
      for await case (let places, let answers?) in group {
        for (place, answer) in zip(places, answers) { presence[place] = answer }
      }
    }
    return presence
  }

  private func presence(
    of keys: [BlockKey],
    in namespace: String,
    on replica: StoreReplica
  ) async -> [Bool]? {
    let request = Weft_Kvstore_V1_LookupRequest.with {
      $0.namespace = namespace
      $0.keyLists = keys.map { [$0].wireBytes }
    }
    let response = await replica.ask { store in
      try await store.lookup(
        request,
        options: StoreReplica.options(timeout: settings.lookupTimeout)
      )
    }
    guard let response, response.matches.count == keys.count else { return nil }
    return response.matches.map { $0.blockCount > 0 }
  }

  /// Stores blocks, on several replicas at the same time.
  ///
  /// - Returns: What became of each, in order.
  package func put(_ blocks: [OutgoingBlock], in namespace: String) async -> [PutOutcome] {
    await put(blocks.map(\.key)) { places, replica in
      await self.put(places.map { blocks[$0] }, in: namespace, on: replica)
    }
  }

  /// Has each replica store its blocks.
  ///
  /// - Parameter store: Stores the blocks at some places, in order.
  /// - Returns: What became of each.
  func put(
    _ keys: [BlockKey],
    store: @escaping @Sendable (_ places: [Int], StoreReplica) async -> [PutOutcome]
  ) async -> [PutOutcome] {
    let places = placement.places(of: keys)
    var outcomes = [PutOutcome](repeating: .failed, count: keys.count)
    await withTaskGroup(of: ([Int], [PutOutcome]).self) { group in
      for (replica, places) in zip(replicas, places) where !places.isEmpty {
        group.addTask { (places, await store(places, replica)) }
      }
      for await (places, answers) in group {
        for (place, answer) in zip(places, answers) { outcomes[place] = answer }
      }
    }
    counts.withLock { counts in
      for outcome in outcomes { counts.puts[outcome, default: 0] += 1 }
    }
    return outcomes
  }

  /// - Returns: As many outcomes as the replica has answered.
  private func put(
    _ blocks: [OutgoingBlock],
    in namespace: String,
    on replica: StoreReplica
  ) async -> [PutOutcome] {
    guard await replica.admits() else { return [] }
    let outcomes = Mutex<[PutOutcome]>([])
    do {
      try await Weft_Kvstore_V1_KVStoreService.putBlocks(
        on: replica.grpc,
        options: StoreReplica.options(timeout: settings.putTimeout)
      ) { writer in
        for (index, block) in blocks.enumerated() {
          try await writer.write(
            PutBlock(
              namespace: index == 0 ? namespace : "",
              key: block.key,
              checksum: block.payload.checksum(),
              payload: block.payload
            )
          )
        }
      } onResponse: { response in
        for try await message in response.messages {
          outcomes.withLock { $0.append(PutOutcome(code: message.code)) }
        }
      }
      replica.record(.answered)
    } catch {
      replica.record(CircuitBreaker.Outcome(of: error))
      logger.debug("store put failed", metadata: ["store": "\(replica.name)", "error": "\(error)"])
    }
    return outcomes.withLock(\.self)
  }

  /// Has blocks forgotten, as not authentic; a replica that does not answer keeps them.
  package func remove(_ keys: [BlockKey], in namespace: String) async {
    let keys = Array(keys.prefix(Self.maximumKeys))
    let removed = await withTaskGroup(of: Int.self) { group in
      for (replica, places) in zip(replicas, placement.places(of: keys)) where !places.isEmpty {
        let request = Weft_Kvstore_V1_RemoveRequest.with {
          $0.namespace = namespace
          $0.keys = places.map { keys[$0] }.wireBytes
        }
        group.addTask {
          let response = await replica.ask { store in
            try await store.remove(
              request,
              options: StoreReplica.options(timeout: self.settings.stallTimeout)
            )
          }
          return Int(response?.removedCount ?? 0)
        }
      }
      return await group.reduce(0, +)
    }
    counts.withLock { $0.removedBlocks += removed }
  }
}

extension PutOutcome {
  /// What a canonical gRPC code of `PutResponse` says.
  init(code: Int32) {
    switch Status.Code(rawValue: Int(code)) {
    case .ok?: self = .stored
    case .alreadyExists?: self = .conflicting
    case .resourceExhausted?: self = .refused
    default: self = .failed
    }
  }
}
