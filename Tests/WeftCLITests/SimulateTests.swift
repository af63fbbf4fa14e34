import Subprocess
import Testing

@Suite("weft simulate")
struct SimulateTests {
  @Test("prints what users of such a mesh would see, the same every time")
  func summary() async throws {
    let arguments = ["simulate", "--requests", "40", "--workers", "2", "--faults", "2"]
    let outcome = try await Executables.run("weft", arguments)
    #expect(outcome.status.isSuccess, "\(outcome.error)")
    for what in [
      "40 answered", "output tokens/s", "TTFT", "TPOT", "prefix hits", "block waste", "preemptions",
    ] {
      #expect(outcome.output.contains(what), "\(what) in \(outcome.output)")
    }
    #expect(try await Executables.run("weft", arguments).output == outcome.output)
    let other = try await Executables.run("weft", arguments + ["--seed", "2"])
    #expect(other.output != outcome.output)
  }

  @Test("prints known comparisons", arguments: ["routing", "blocks"])
  func tables(_ table: String) async throws {
    let outcome = try await Executables.run(
      "weft",
      ["simulate", "--table", table, "--requests", "30", "--shared-prefix", "200"]
    )
    #expect(outcome.status.isSuccess, "\(outcome.error)")
    #expect(outcome.output.contains(table == "routing" ? "cache-aware" : "contiguous, 2048"))
    #expect(outcome.output.split(separator: "\n").count == (table == "routing" ? 6 : 5))
  }

  @Test("tells how many guesses were right")
  func drafts() async throws {
    let outcome = try await Executables.run(
      "weft",
      [
        "simulate", "--requests", "20", "--rate", "1", "--speculative-tokens", "4",
        "--acceptance", "0",
      ]
    )
    #expect(outcome.status.isSuccess, "\(outcome.error)")
    #expect(outcome.output.contains(" computed, 0 right"))
    #expect(!outcome.output.contains(" 0 computed"))
  }

  @Test("runs one random scenario after the other")
  func soak() async throws {
    let outcome = try await Executables.run(
      "weft",
      ["simulate", "--soak", "--first-seed", "7", "--count", "3"]
    )
    #expect(outcome.status.isSuccess, "\(outcome.error)")
    #expect(outcome.output.hasPrefix("3 scenarios"))
  }

  @Test(
    "says what is wrong",
    arguments: [
      ["--trace", "/nowhere"], ["--workers", "0"], ["--speculative-tokens", "33"],
      ["--acceptance", "1.5"],
    ]
  )
  func mistakes(_ arguments: [String]) async throws {
    let outcome = try await Executables.run("weft", ["simulate"] + arguments)
    #expect(!outcome.status.isSuccess)
    #expect(outcome.error.contains(arguments[1]))
  }
}
