import GRPCCore
import GRPCCoreTransport
import Glibc
import Testing

@Suite struct CompletionQueueExecutorTests {
  private func threadName() -> String {
    var name = [CChar](repeating: 0, count: 16)
    let file = fopen("/proc/thread-self/comm", "r")
    defer { fclose(file) }
    fgets(&name, 16, file)
    return String(decoding: name.prefix { $0 > 32 }.map(UInt8.init), as: UTF8.self)
  }

  @Test func tasksRunOnItsThreadAndSoDoTheirChildren() async {
    let executor = CompletionQueueExecutor()
    await withTaskExecutorPreference(executor) {
      await Task.yield()
      #expect(threadName() == "weft-grpc")
      async let child = threadName()
      #expect(await child == "weft-grpc")
      await withTaskGroup { group in
        group.addTask { #expect(self.threadName() == "weft-grpc") }
      }
      try? await Task.sleep(for: .milliseconds(1))
      #expect(threadName() == "weft-grpc")
    }
    #expect(threadName() != "weft-grpc")
    executor.shutdown()
  }

  @Test func handlersAndResponsesRunOnTheTransportsThread() async throws {
    try await withServer(register: { router in
      router.handleStream(EchoService.unary) { request, _ in
        #expect(threadName() == "weft-grpc")
        async let child = threadName()
        #expect(await child == "weft-grpc")
        return StreamingServerResponse(single: ServerResponse(message: [1]))
      }
    }) { client, _ in
      let name = try await client.stream(EchoService.unary) { writer in
        try await writer.write([1])
      } consume: { response in
        for try await _ in response.messages {}
        return threadName()
      }
      #expect(name == "weft-grpc")
    }
  }

  @Test func manyThreadsMayGiveItWork() async {
    let executor = CompletionQueueExecutor()
    let sum = await withTaskGroup(of: Int.self) { group in
      for index in 0..<2000 {
        group.addTask {
          await withTaskExecutorPreference(executor) {
            await Task.yield()
            return index
          }
        }
      }
      return await group.reduce(0, +)
    }
    #expect(sum == 2000 * 1999 / 2)
    executor.shutdown()
  }

  @Test func workAfterShutdownStillRuns() async {
    let executor = CompletionQueueExecutor()
    executor.shutdown()
    executor.shutdown()
    for _ in 0..<100 {
      let value = await withTaskExecutorPreference(executor) {
        await Task.yield()
        return 1
      }
      #expect(value == 1)
    }
  }
}
