import MeshProtos
import SwiftProtobuf
import Testing
import WeftCLI

@Suite("The status of several schedulers")
struct StatusSumTests {
  private func status(_ workers: String..., waiting: UInt32) -> Weft_Scheduler_V1_GetStatusResponse
  {
    .with { status in
      status.workers = workers.map { name in
        .with {
          $0.worker = name
          $0.address = "unix:/\(waiting)"
        }
      }
      status.waitingSequences = waiting
      status.runningSequences = 10 * waiting
      status.preemptionsTotal = 100 * UInt64(waiting)
      status.draftedTokensTotal = 1000 * UInt64(waiting)
      status.acceptedDraftTokensTotal = 500 * UInt64(waiting)
      status.copiedTailsTotal = 20 * UInt64(waiting)
      status.copiedTokensTotal = 90 * UInt64(waiting)
      status.store.fetchedTokensTotal = 100
      status.store.decisions = [
        .with {
          $0.action = "fetch"
          $0.reason = waiting == 1 ? "faster" : "queue"
          $0.total = 5
        },
        .with {
          $0.action = "recompute"
          $0.reason = "slower"
          $0.total = UInt64(waiting)
        },
      ]
      status.store.estimates = workers.map { name in .with { $0.worker = name } }
    }
  }

  @Test("has all their workers, each under a name of its own, and the sums of what they counted")
  func sum() {
    var sum = status("a", "b", waiting: 1)
    sum.add(status("b", "c", waiting: 2))
    #expect(sum.workers.map(\.worker) == ["a", "b", "b (unix:/2)", "c"])
    #expect(sum.store.estimates.map(\.worker) == ["a", "b", "b (unix:/2)", "c"])
    #expect(sum.waitingSequences == 3)
    #expect(sum.runningSequences == 30)
    #expect(sum.preemptionsTotal == 300)
    #expect(sum.draftedTokensTotal == 3000)
    #expect(sum.acceptedDraftTokensTotal == 1500)
    #expect(sum.copiedTailsTotal == 60)
    #expect(sum.copiedTokensTotal == 270)
    #expect(sum.store.fetchedTokensTotal == 200)
    #expect(sum.store.decisions.map(\.reason) == ["faster", "slower", "queue"])
    #expect(sum.store.decisions.map(\.total) == [5, 3, 5])
  }
}
