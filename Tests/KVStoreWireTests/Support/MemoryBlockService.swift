import BlockCache
import FoundationEssentials
import GRPCCore
import KVStoreWire
import MeshProtos
import SwiftProtobuf
import Synchronization

/// Keeps the blocks that it is given as it got them.
final class MemoryBlockService: RegistrableRPCService, KVStoreBlockService {
  private let blocks = Mutex<[BlockKey: BlockBytes]>([:])

  func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    registerBlockMethods(with: &router)
  }

  func get(
    _ request: Weft_Kvstore_V1_GetRequest,
    to writer: RPCWriter<GotBlock>,
    context: ServerContext
  ) async throws {
    for index in 0..<request.keys.count / BlockKey.byteCount {
      let key = BlockKey(from: request.keys.bytes, at: index * BlockKey.byteCount)
      guard let payload = blocks.withLock({ $0[key] }) else { return }
      try await writer.write(
        GotBlock(
          keyIndex: UInt32(index),
          tier: .dram,
          checksum: payload.checksum(),
          payload: payload
        )
      )
    }
  }

  func put(
    _ blocks: RPCAsyncSequence<PutBlock, any Error>,
    to writer: RPCWriter<Weft_Kvstore_V1_PutResponse>,
    context: ServerContext
  ) async throws {
    var count: UInt32 = 0
    for try await block in blocks {
      let isWhole = block.payload.checksum() == block.checksum
      if isWhole { self.blocks.withLock { $0[block.key] = block.payload } }
      try await writer.write(
        .with {
          $0.blockIndex = count
          $0.code = Int32((isWhole ? Status.Code.ok : .dataLoss).rawValue)
        }
      )
      count += 1
    }
  }
}
