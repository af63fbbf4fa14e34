package import GRPCCore
import GRPCProtobuf
package import MeshProtos
import SwiftProtobuf

/// The store's service with blocks in place of the generated messages of Get and Put.
///
/// What conforms implements ``get(_:context:)`` and ``put(_:context:)`` here and the other methods of
/// `SimpleServiceProtocol`, and calls ``registerBlockMethods(with:)`` in its `registerMethods`.
package protocol KVStoreBlockService: Sendable {
  /// Blocks, in the order of their keys.
  func get(
    _ request: Weft_Kvstore_V1_GetRequest,
    to writer: RPCWriter<GotBlock>,
    context: ServerContext
  ) async throws

  /// Stores blocks; one outcome each.
  func put(
    _ blocks: RPCAsyncSequence<PutBlock, any Error>,
    to writer: RPCWriter<Weft_Kvstore_V1_PutResponse>,
    context: ServerContext
  ) async throws
}

extension KVStoreBlockService {
  /// Registers Get and Put; after the generated methods, which it replaces.
  package func registerBlockMethods<Transport: ServerTransport>(
    with router: inout RPCRouter<Transport>
  ) {
    router.registerHandler(
      forMethod: Weft_Kvstore_V1_KVStoreService.Method.Get.descriptor,
      deserializer: ProtobufDeserializer<Weft_Kvstore_V1_GetRequest>(),
      serializer: GotBlockSerializer()
    ) { request, context in
      let request = try await ServerRequest(stream: request)
      return StreamingServerResponse(metadata: [:]) { writer in
        try await self.get(request.message, to: writer, context: context)
        return [:]
      }
    }
    router.registerHandler(
      forMethod: Weft_Kvstore_V1_KVStoreService.Method.Put.descriptor,
      deserializer: PutBlockDeserializer(),
      serializer: ProtobufSerializer<Weft_Kvstore_V1_PutResponse>()
    ) { request, context in
      StreamingServerResponse(metadata: [:]) { writer in
        try await self.put(request.messages, to: writer, context: context)
        return [:]
      }
    }
  }
}

extension Weft_Kvstore_V1_KVStoreService {
  /// Get with blocks in place of the generated messages.
  package static func getBlocks<Transport: ClientTransport, Result: Sendable>(
    _ request: Weft_Kvstore_V1_GetRequest,
    on client: GRPCClient<Transport>,
    options: CallOptions = .defaults,
    onResponse: @escaping @Sendable (StreamingClientResponse<GotBlock>) async throws -> Result
  ) async throws -> Result {
    try await client.serverStreaming(
      request: ClientRequest(message: request),
      descriptor: Method.Get.descriptor,
      serializer: ProtobufSerializer<Weft_Kvstore_V1_GetRequest>(),
      deserializer: GotBlockDeserializer(),
      options: options,
      onResponse: onResponse
    )
  }

  /// Put with blocks in place of the generated messages.
  package static func putBlocks<Transport: ClientTransport, Result: Sendable>(
    on client: GRPCClient<Transport>,
    options: CallOptions = .defaults,
    producer: @escaping @Sendable (RPCWriter<PutBlock>) async throws -> Void,
    onResponse:
      @escaping @Sendable (StreamingClientResponse<Weft_Kvstore_V1_PutResponse>) async throws ->
      Result
  ) async throws -> Result {
    try await client.bidirectionalStreaming(
      request: StreamingClientRequest(metadata: [:], producer: producer),
      descriptor: Method.Put.descriptor,
      serializer: PutBlockSerializer(),
      deserializer: ProtobufDeserializer<Weft_Kvstore_V1_PutResponse>(),
      options: options,
      onResponse: onResponse
    )
  }
}
