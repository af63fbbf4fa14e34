import MeshRuntime
import ServiceTesting
import Synchronization
import Testing

@Suite("A bounded channel")
struct BoundedChannelTests {
  @Test("passes everything on in order, whatever its capacity", arguments: [1, 2, 100])
  func order(_ capacity: Int) async {
    let channel = BoundedChannel<Int>(capacity: capacity)
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        for number in 0..<1000 { #expect(await channel.send(number)) }
        channel.finish()
      }
      var received: [Int] = []
      while let number = await channel.next() { received.append(number) }
      #expect(received == Array(0..<1000))
    }
  }

  @Test("makes who sends too much wait")
  func full() async throws {
    let channel = BoundedChannel<Int>(capacity: 2)
    let sent = Counter()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        for number in 0..<5 where await channel.send(number) {
          sent.increment()
        }
      }
      for received in 0..<5 {
        try await eventually {
          sent.value >= min(5, received + 2)
        }
        #expect(sent.value == min(5, received + 2))
        #expect(await channel.next() == received)
      }
    }
  }

  @Test("takes nothing once finished, and gives what it has")
  func finished() async {
    let channel = BoundedChannel<Int>(capacity: 2)
    #expect(await channel.send(1))
    channel.finish()
    #expect(await channel.send(2) == false)
    #expect(await channel.next() == 1)
    #expect(await channel.next() == nil)
  }

  @Test("closed, ends both sides' waiting")
  func closed() async {
    let full = BoundedChannel<Int>(capacity: 1)
    let empty = BoundedChannel<Int>(capacity: 1)
    #expect(await full.send(1))
    await withTaskGroup(of: Bool.self) { group in
      group.addTask { await full.send(2) == false }
      group.addTask { await empty.next() == nil }
      full.close()
      empty.close()
      #expect(await group.reduce(true) { $0 && $1 })
    }
    #expect(await full.next() == nil)
  }

  @Test("lets cancelled tasks go, and then works on")
  func cancelled() async {
    let full = BoundedChannel<Int>(capacity: 1)
    let empty = BoundedChannel<Int>(capacity: 1)
    #expect(await full.send(1))
    await withTaskGroup(of: Bool.self) { group in
      group.addTask { await full.send(2) == false }
      group.addTask { await empty.next() == nil }
      group.cancelAll()
      #expect(await group.reduce(true) { $0 && $1 })
    }
    #expect(await full.next() == 1)
    #expect(await full.send(3))
    #expect(await full.next() == 3)
    #expect(await empty.send(4))
    #expect(await empty.next() == 4)
  }
}

private final class Counter: Sendable {
  private let count = Atomic(0)

  var value: Int { count.load(ordering: .sequentiallyConsistent) }

  func increment() { count.add(1, ordering: .sequentiallyConsistent) }
}
