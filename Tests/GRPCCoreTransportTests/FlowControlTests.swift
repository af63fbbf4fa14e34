import GRPCCore
import GRPCCoreTransport
import Testing

/// A writer that nobody reads may fill the network's windows and buffers, some megabytes, and then
/// has to wait.
@Suite struct FlowControlTests {
  private static let messageBytes = 64 << 10
  private static let total = 2000  // 131 MB, far more than any window

  @Test(arguments: Network.allCases)
  func aSlowClientStopsTheServersWriter(network: Network) async throws {
    let written = Counter()
    try await withServer(
      on: network.makeAddress(),
      register: { router in
        router.handleStream(EchoService.expand) { _, _ in
          StreamingServerResponse { writer in
            for _ in 0..<Self.total {
              try await writer.write([UInt8](repeating: 1, count: Self.messageBytes))
              written.increment()
            }
            return [:]
          }
        }
      }
    ) { client, _ in
      let received = try await client.stream(EchoService.expand) { writer in
        try await writer.write([1])
      } consume: { response in
        var received = 0
        for try await _ in response.messages {
          received += 1
          if received == 1 {
            let stopped = await settled(written)
            #expect(stopped < Self.total / 4)
          }
        }
        return received
      }
      #expect(received == Self.total)
    }
  }

  @Test(arguments: Network.allCases)
  func aSlowHandlerStopsTheClientsWriter(network: Network) async throws {
    let written = Counter()
    try await withServer(
      on: network.makeAddress(),
      register: { router in
        router.handleStream(EchoService.collect) { request, _ in
          var received = 0
          for try await _ in request.messages {
            received += 1
            if received == 1 {
              let stopped = await settled(written)
              #expect(stopped < Self.total / 4)
            }
          }
          #expect(received == Self.total)
          return StreamingServerResponse(single: ServerResponse(message: []))
        }
      }
    ) { client, _ in
      try await client.stream(EchoService.collect) { writer in
        for _ in 0..<Self.total {
          try await writer.write([UInt8](repeating: 1, count: Self.messageBytes))
          written.increment()
        }
      } consume: { response in
        for try await _ in response.messages {}
      }
    }
  }

  /// A handler whose writer is stuck can still be ended by itself and by the client.
  @Test func aBlockedWriterCanBeCancelled() async throws {
    let written = Counter()
    let (ends, ended) = AsyncStream<Void>.makeStream()
    try await withServer(register: { router in
      router.handleStream(EchoService.expand) { _, _ in
        StreamingServerResponse { writer in
          await withTaskGroup { group in
            group.addTask {
              while true {
                do {
                  try await writer.write([UInt8](repeating: 1, count: Self.messageBytes))
                  written.increment()
                } catch {
                  #expect(error is CancellationError)
                  break
                }
              }
            }
            _ = await settled(written)
            group.cancelAll()
          }
          ended.yield()
          try await writer.write([9])
          return ["t-word": "end"]
        }
      }
    }) { client, _ in
      let last = try await client.stream(EchoService.expand) { writer in
        try await writer.write([1])
      } consume: { response in
        var last: [UInt8] = []
        for await _ in ends { break }
        for try await message in response.messages { last = message }
        return last
      }
      #expect(last == [9])
    }
  }
}

/// The value of a counter once it has stood still for a while.
private func settled(_ counter: Counter) async -> Int {
  var last = -1
  var now = counter.value
  while now != last {
    try? await Task.sleep(for: .milliseconds(100))
    last = now
    now = counter.value
  }
  return now
}
