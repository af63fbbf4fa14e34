import BlockCache
import GRPCCore
import KVStoreWire
import Logging
import MeshProtos
import MeshRuntime
import SwiftProtobuf
import Synchronization

extension StoreCluster {
  /// Stores blocks while they come into being, on several replicas at the same time. Ends when they
  /// are complete or abandoned and what there was is stored, or `putTimeout` later.
  ///
  /// - Returns: What became of each, in order.
  package func put(_ growing: GrowingBlocks, in namespace: String) async -> [PutOutcome] {
    await put(growing.blocks.map(\.key)) { places, replica in
      await self.put(places.map { growing.blocks[$0] }, of: growing, in: namespace, on: replica)
    }
  }

  private func put(
    _ blocks: [GrowingBlocks.Block],
    of growing: GrowingBlocks,
    in namespace: String,
    on replica: StoreReplica
  ) async -> [PutOutcome] {
    guard await replica.admits() else { return [] }
    let (outcomes, error) = await withTaskGroup(of: ([PutOutcome], (any Error)?)?.self) { group in
      group.addTask { await Self.put(blocks, of: growing, in: namespace, on: replica) }
      group.addTask {
        for await _ in growing.growths {}
        try? await Task.sleep(for: self.settings.putTimeout)
        return nil
      }
      // Whichever is first ends the other: the time, if it is not the answer.
      let first = await group.next() ?? nil
      let isLate = first == nil && !Task.isCancelled
      group.cancelAll()
      var answer = first ?? ([], nil)
      for await case let ended? in group { answer = ended }
      if isLate, answer.1 != nil {
        answer.1 = RPCError(code: .deadlineExceeded, message: "the store takes too long")
      }
      return answer
    }
    if let error {
      replica.record(CircuitBreaker.Outcome(of: error))
      logger.debug("store put failed", metadata: ["store": "\(replica.name)", "error": "\(error)"])
    } else {
      replica.record(.answered)
    }
    return outcomes
  }

  /// - Returns: As many outcomes as the replica has answered, and why there are no more.
  private static func put(
    _ blocks: [GrowingBlocks.Block],
    of growing: GrowingBlocks,
    in namespace: String,
    on replica: StoreReplica
  ) async -> ([PutOutcome], (any Error)?) {
    let outcomes = Mutex<[PutOutcome]>([])
    do {
      try await Weft_Kvstore_V1_KVStoreService.putBlocks(on: replica.grpc) { writer in
        try await write(blocks, of: growing, in: namespace, to: writer)
      } onResponse: { response in
        for try await message in response.messages {
          outcomes.withLock { $0.append(PutOutcome(code: message.code)) }
        }
      }
      return (outcomes.withLock(\.self), nil)
    } catch {
      return (outcomes.withLock(\.self), error)
    }
  }

  /// Writes what there is of each block, again and again, until all of it is written.
  private static func write(
    _ blocks: [GrowingBlocks.Block],
    of growing: GrowingBlocks,
    in namespace: String,
    to writer: RPCWriter<PutBlock>
  ) async throws {
    var checksums = [UInt32](repeating: 0, count: blocks.count)
    var written = 0
    for await growth in growing.growths {
      let grown: Int? =
        switch growth {
        case .growing(let byteCount): byteCount
        case .complete: nil
        // Without its end the store forgets what it has of a block.
        case .abandoned: written
        }
      for (index, block) in blocks.enumerated() {
        let total = block.payload.byteCount
        let end = min(grown ?? total, total)
        guard end > written else { continue }
        let part = block.payload[written..<end]
        checksums[index] = part.checksum(after: checksums[index])
        try await writer.write(
          PutBlock(
            namespace: index == 0 && written == 0 ? namespace : "",
            key: block.key,
            checksum: end == total ? checksums[index] : nil,
            totalBytes: UInt64(total),
            offset: UInt64(written),
            payload: part
          )
        )
      }
      written = grown ?? .max
    }
  }
}
