import MeshProtos
import SwiftProtobuf
import Testing
import WeftCLI

@Suite("What weft top shows")
struct MeshViewTests {
  private let view = MeshView(
    scheduler: .with {
      $0.runningSequences = 3
      $0.draftedTokensTotal = 9
      $0.acceptedDraftTokensTotal = 6
      $0.copiedTokensTotal = 12
      $0.workers = [
        .with {
          $0.worker = "worker-1"
          $0.freeBlocks = 7
          $0.capabilities.blockCount = 100
          $0.capabilities.prefillTokensPerSecond = 1234.5
          $0.stepsTotal = 8
          $0.computeMicrosecondsTotal = 987
          $0.idleMicrosecondsTotal = 13
        },
        .with { $0.worker = "lone" },
      ]
      $0.store = .with {
        $0.swapOutsTotal = 4
        $0.decisions = [
          .with {
            $0.action = "fetch"
            $0.reason = "faster"
            $0.total = 5
          },
          .with {
            $0.action = "recompute"
            $0.reason = "queue"
            $0.total = 6
          },
        ]
        $0.estimates = [
          .with {
            $0.worker = "worker-1"
            $0.microsecondsPerToken = 812
            $0.memoryBytesPerSecond = 9e8
          }
        ]
      }
    },
    stores: [
      ("unix:/a", .with { $0.memory.usedBytes = 5 << 20 }),
      ("unix:/\"b", nil),
    ]
  )

  @Test("The decision and its reason, the estimates behind it, and a store that is lost")
  func table() {
    let table = view.table
    #expect(table.contains("fetch (faster) 5, recompute (queue) 6"))
    #expect(table.contains("812 us") && table.contains("900 MB/s"))
    #expect(table.contains("1234/s"))
    #expect(table.contains("1.3 %"))
    #expect(table.contains("5 MiB") && table.contains("lost"))
    #expect(table.contains("swaps: 4 out, 0 in"))
    #expect(table.contains("6 of 9 guessed tokens right"))
    // What was never measured is no zero.
    let lone = table.split(separator: "\n").first { $0.hasPrefix("lone") }
    #expect(lone?.hasSuffix("-") == true)
  }

  @Test("As metrics: one type line each, labels escaped, every store up or not")
  func metrics() {
    let lines = view.metrics.split(separator: "\n")
    #expect(
      lines.contains(
        "weft_scheduler_store_decisions_total{action=\"fetch\",reason=\"faster\"} 5.0"
      )
    )
    #expect(lines.contains("weft_kvstore_up{store=\"unix:/a\"} 1.0"))
    #expect(lines.contains("weft_scheduler_accepted_draft_tokens_total 6.0"))
    #expect(lines.contains("weft_scheduler_copied_tokens_total 12.0"))
    #expect(lines.contains("weft_kvstore_up{store=\"unix:/\\\"b\"} 0.0"))
    #expect(lines.contains("weft_kvstore_memory_used_bytes{store=\"unix:/a\"} 5242880.0"))
    #expect(lines.contains("weft_worker_prefill_tokens_per_second{worker=\"worker-1\"} 1234.5"))
    #expect(lines.contains("weft_worker_steps_total{worker=\"worker-1\"} 8.0"))
    #expect(lines.contains("weft_worker_compute_microseconds_total{worker=\"worker-1\"} 987.0"))
    #expect(lines.contains("weft_worker_idle_microseconds_total{worker=\"worker-1\"} 13.0"))
    let types = lines.filter { $0.hasPrefix("# TYPE ") }
    #expect(Set(types).count == types.count)
    for line in lines where !line.hasPrefix("#") {
      #expect(line.wholeMatch(of: #/[a-z_]+(\{[^ ]*\})? [0-9.e+]+/#) != nil, "\(line)")
    }
  }
}
