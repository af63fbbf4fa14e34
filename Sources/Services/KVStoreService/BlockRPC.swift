import BlockCache
import GRPCCore
import KVStoreWire
import MeshProtos
import MeshRuntime
import MeshTypes
import SwiftProtobuf

/// The whole API: the methods that carry payloads take and give blocks instead of messages.
struct BlockRPC: KVStoreBlockService, RegistrableRPCService {
  let store: BlockStore

  func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    KVStoreRPC(store: store).registerMethods(with: &router)
    registerBlockMethods(with: &router)
  }

  func get(
    _ request: Weft_Kvstore_V1_GetRequest,
    to writer: RPCWriter<GotBlock>,
    context: ServerContext
  ) async throws {
    let reader = BlockReader(
      store: store,
      namespace: try StoreNamespace(request.namespace),
      keys: try [BlockKey](request.keys, field: "keys"),
      skipsMissing: request.skipMissing
    )
    // Who has gone waits for nothing any more.
    try await withTaskCancelledByRPC(context) {
      try await reader.run { index, block in
        try await writer.write(
          GotBlock(
            keyIndex: UInt32(index),
            tier: block.tier,
            checksum: block.checksum,
            payload: block.payload
          )
        )
      }
    }
  }

  func put(
    _ blocks: RPCAsyncSequence<PutBlock, any Error>,
    to writer: RPCWriter<Weft_Kvstore_V1_PutResponse>,
    context: ServerContext
  ) async throws {
    try await withTaskCancelledByRPC(context) {
      var assembly = BlockAssembly(store: store)
      var index: UInt32 = 0
      for try await part in blocks {
        guard let outcome = try await assembly.append(part) else { continue }
        try await writer.write(
          .with {
            $0.blockIndex = index
            $0.code = Int32(outcome.code.rawValue)
            $0.message = outcome.message
          }
        )
        index &+= 1
      }
    }
  }
}
