import GRPCCore
import GRPCCoreTransport
import KVStoreWire
import MeshProtos
import MeshRuntime

/// Runs `body` with a client of the store, where a service's handlers run too.
func withStore(
  _ options: ClientOptions,
  _ body: (GRPCClient<CoreClientTransport>) async throws -> Void
) async throws {
  let transport = CoreClientTransport(
    address: try TransportAddress(parsing: options.serverAddress, field: "server-address")
  )
  try await withTaskExecutorPreference(CompletionQueueExecutor.shared) {
    try await withGRPCClient(transport: transport) { try await body($0) }
  }
}

/// Writes the blocks `indices` of a series and waits for every outcome.
///
/// - Throws: If one was not stored.
func put(
  _ indices: Range<Int>,
  of samples: SampleBlocks,
  series: UInt64,
  computesChecksums: Bool,
  _ options: ClientOptions,
  _ client: GRPCClient<CoreClientTransport>
) async throws {
  let namespace = options.namespace
  try await Weft_Kvstore_V1_KVStoreService.putBlocks(on: client) { writer in
    for index in indices {
      let payload = samples.payload(index)
      let checksum =
        computesChecksums ? payload.checksum() : samples.checksums[index % samples.count]
      try await writer.write(
        PutBlock(
          namespace: index == indices.lowerBound ? namespace : "",
          key: SampleBlocks.key(index, series: series),
          checksum: checksum,
          payload: payload
        )
      )
    }
  } onResponse: { response in
    var stored = 0
    for try await outcome in response.messages {
      guard outcome.code == 0 else {
        throw RPCError(code: .internalError, message: "not stored: \(outcome)")
      }
      stored += 1
    }
    guard stored == indices.count else {
      throw RPCError(code: .internalError, message: "\(stored) of \(indices.count) stored")
    }
  }
}

/// Runs `round` for a fifth of `seconds`, then again for `seconds`.
///
/// - Returns: What `round` returned, summed up, per second.
func rate(seconds: Double, _ round: () async throws -> Int) async throws -> Double {
  let clock = ContinuousClock()
  func run(for duration: Duration) async throws -> Double {
    let start = clock.now
    var sum = 0
    repeat { sum += try await round() } while clock.now - start < duration
    return Double(sum) / ((clock.now - start) / .seconds(1))
  }
  _ = try await run(for: .seconds(seconds / 5))
  return try await run(for: .seconds(seconds))
}
