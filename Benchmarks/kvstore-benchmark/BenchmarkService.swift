import BlockCache
import FoundationEssentials
import GRPCCore
import GRPCProtobuf
import KVStoreWire
import MeshProtos
import SwiftProtobuf

/// The store's three busiest methods over a ``PreallocatedStore``.
struct BenchmarkService: RegistrableRPCService, KVStoreBlockService {
  let store: PreallocatedStore

  func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    registerBlockMethods(with: &router)
    router.registerHandler(
      forMethod: Weft_Kvstore_V1_KVStoreService.Method.Lookup.descriptor,
      deserializer: ProtobufDeserializer<Weft_Kvstore_V1_LookupRequest>(),
      serializer: ProtobufSerializer<Weft_Kvstore_V1_LookupResponse>()
    ) { request, context in
      let request = try await ServerRequest(stream: request)
      return StreamingServerResponse(single: ServerResponse(message: lookup(request.message)))
    }
  }

  func lookup(_ request: Weft_Kvstore_V1_LookupRequest) -> Weft_Kvstore_V1_LookupResponse {
    .with { response in
      response.matches = request.keyLists.map { keys in
        let count = UInt32(store.prefixCount(keys.bytes))
        return .with { match in
          match.blockCount = count
          guard count > 0 else { return }
          match.stretches = [
            .with {
              $0.tier = .dram
              $0.blockCount = count
              $0.byteCount = UInt64(count) * UInt64(store.blockBytes)
            }
          ]
        }
      }
    }
  }

  func get(
    _ request: Weft_Kvstore_V1_GetRequest,
    to writer: RPCWriter<GotBlock>,
    context: ServerContext
  ) async throws {
    for index in 0..<request.keys.count / BlockKey.byteCount {
      let key = BlockKey(from: request.keys.bytes, at: index * BlockKey.byteCount)
      guard let block = store.get(key, keyIndex: index) else { break }
      try await writer.write(block)
    }
  }

  func put(
    _ blocks: RPCAsyncSequence<PutBlock, any Error>,
    to writer: RPCWriter<Weft_Kvstore_V1_PutResponse>,
    context: ServerContext
  ) async throws {
    var count: UInt32 = 0
    for try await block in blocks {
      let isStored = store.put(block)
      try await writer.write(
        .with {
          $0.blockIndex = count
          $0.code = Int32((isStored ? Status.Code.ok : .dataLoss).rawValue)
        }
      )
      count += 1
    }
  }
}
