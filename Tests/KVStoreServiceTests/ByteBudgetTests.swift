import KVStoreService
import ServiceTesting
import Testing

@Suite("A budget of bytes")
struct ByteBudgetTests {
  private let budget = ByteBudget(limitBytes: 100)

  @Test("gives no more than there are, and takes back what nobody holds any more")
  func limit() {
    var shares = [budget.takeAtOnce(60)]
    #expect(budget.heldBytes == 60)
    #expect(budget.takeAtOnce(41) == nil)
    #expect(budget.takeAtOnce(40, leaving: 1) == nil)
    shares.append(budget.takeAtOnce(40))
    #expect(budget.heldBytes == 100)
    shares.removeFirst()
    #expect(budget.heldBytes == 40)
    shares.removeFirst()
    #expect(budget.heldBytes == 0)
  }

  @Test("who wants more than are left waits, in order of arrival")
  func order() async throws {
    try await withThrowingTaskGroup(of: ByteBudget.Share?.self) { group in
      var first = budget.takeAtOnce(80)
      #expect(first != nil)
      for (count, byteCount) in [50, 10].enumerated() {
        group.addTask { await self.budget.take(byteCount) }
        try await eventually { budget.waiterCount == count + 1 }
      }
      // There are 20, but others came first.
      #expect(budget.takeAtOnce(10) == nil)
      #expect(budget.heldBytes == 80)
      first = nil
      let shares = [try await group.next(), try await group.next()]
      #expect(budget.heldBytes == 60)
      #expect(shares.allSatisfy { ($0 ?? nil) != nil })
    }
    #expect(budget.heldBytes == 0)
  }

  @Test("who is cancelled waits no more, nor do those behind him who want less")
  func cancelled() async throws {
    let first = budget.takeAtOnce(80)
    try await withThrowingTaskGroup(of: ByteBudget.Share?.self) { patient in
      try await withThrowingTaskGroup(of: ByteBudget.Share?.self) { hasty in
        hasty.addTask { await self.budget.take(50) }
        try await eventually { budget.waiterCount == 1 }
        patient.addTask { await self.budget.take(20) }
        try await eventually { budget.waiterCount == 2 }
        hasty.cancelAll()
        let none = try await hasty.next() ?? nil
        #expect(none == nil)
      }
      let share = try await patient.next() ?? nil
      #expect(budget.heldBytes == 100 && budget.waiterCount == 0)
      #expect(share != nil)
    }
    #expect(first != nil)
  }

  @Test("more than there can ever be counts as all")
  func tooMuch() async {
    let share = await budget.take(1000)
    #expect(budget.heldBytes == 100)
    #expect(share != nil)
  }
}
