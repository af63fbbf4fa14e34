import GRPCCore
import GRPCCoreTransport
import Testing

@Suite struct StressTests {
  /// SplitMix64.
  private struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var word = state
      word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
      word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
      return word ^ (word >> 31)
    }
  }

  private struct Plan: Sendable {
    var method: MethodDescriptor
    var messages: [[UInt8]]
    var timeout: Duration?
    var cancelsAfter: Duration?

    init(using generator: inout Generator) {
      let methods = [EchoService.unary, EchoService.collect, EchoService.expand, EchoService.chat]
      method = methods.randomElement(using: &generator)!
      let count =
        method.type?.isRequestStreaming == true ? Int.random(in: 0...20, using: &generator) : 1
      let limit = method == EchoService.expand ? 200 : 100_000
      messages = (0..<count).map { _ in
        let size = Bool.random(using: &generator) ? limit : 100
        let byte = UInt8.random(in: 0...255, using: &generator)
        return [UInt8](repeating: byte, count: Int.random(in: 0...size, using: &generator))
      }
      let fate = Int.random(in: 0..<10, using: &generator)
      let delay = Duration.microseconds(Int.random(in: 0...20_000, using: &generator))
      if fate == 0 { timeout = delay }
      if fate == 1 { cancelsAfter = delay }
    }

    var expected: [[UInt8]] {
      if method == EchoService.collect { return [messages.flatMap(\.self)] }
      if method == EchoService.expand { return messages[0].map { [$0] } }
      return messages
    }
  }

  /// Every call ends with the right answer, or with the error that its fate allows.
  @Test(arguments: Network.allCases)
  func randomCallsEndAsTheyMust(network: Network) async throws {
    let seed = UInt64.random(in: 0 ... .max)
    var generator = Generator(state: seed)
    let plans = (0..<1500).map { _ in Plan(using: &generator) }
    try await withServer(on: network.makeAddress()) { client, _ in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (index, plan) in plans.enumerated() {
          if index >= 100 { try await group.next() }
          group.addTask { try await run(plan, on: client, "seed \(seed), call \(index)") }
        }
        try await group.waitForAll()
      }
    }
  }

  private func run(_ plan: Plan, on client: Client, _ name: String) async throws {
    var options = CallOptions.defaults
    options.timeout = plan.timeout
    do {
      let exchange = try await withThrowingTaskGroup(of: Exchange.self) { [options] group in
        group.addTask {
          try await client.exchange(plan.messages, with: plan.method, options: options)
        }
        if let delay = plan.cancelsAfter {
          try? await Task.sleep(for: delay)
          group.cancelAll()
        }
        return try await group.next()!
      }
      #expect(exchange.messages == plan.expected, "\(name)")
    } catch let error as RPCError {
      let allowed: Set<RPCError.Code> = [
        plan.timeout == nil ? .cancelled : .deadlineExceeded, .cancelled,
      ]
      #expect(plan.timeout != nil || plan.cancelsAfter != nil, "\(name): \(error)")
      #expect(allowed.contains(error.code), "\(name): \(error)")
    }
  }
}
