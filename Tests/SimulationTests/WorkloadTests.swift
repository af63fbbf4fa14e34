import MeshTypes
import Simulation
import Testing

@Suite("Workloads")
struct WorkloadTests {
  @Test("Poisson arrivals have their rate, bursts their size")
  func arrivals() {
    var generator = SimulationGenerator(seed: 3)
    let poisson = ArrivalProcess.poisson(perSecond: 50).times(5000, using: &generator)
    #expect(poisson == poisson.sorted())
    #expect((95...105).contains((poisson.last ?? 0) / 1_000_000))
    let bursts = ArrivalProcess.bursts(size: 10, perSecond: 5).times(1000, using: &generator)
    #expect(Set(bursts).count == 100)
    #expect(ArrivalProcess.atOnce.times(3, using: &generator) == [0, 0, 0])
  }

  @Test("Prompts of a group share their prefix, and nothing else")
  func prefixes() {
    var workload = Workload()
    workload.requestCount = 20
    workload.sharedPrefixTokens = 30
    let prompts = workload.requests(seed: 1).map(\.prompt.tokenIDs)
    #expect(Set(prompts.map { Array($0.prefix(30)) }).count == 1)
    #expect(Set(prompts.map { $0[30] }).count > 15)
    #expect(workload.requests(seed: 1) == workload.requests(seed: 1))
    #expect(workload.requests(seed: 1) != workload.requests(seed: 2))
  }

  @Test("A trace in Mooncake's format becomes requests: equal ids, equal blocks")
  func trace() throws {
    let text = """
      {"timestamp": 0, "input_length": 1030, "output_length": 7, "hash_ids": [0, 1, 2]}
      {"timestamp": 3000, "input_length": 1100, "output_length": 9, "hash_ids": [0, 1, 3]}

      """
    let trace = try MooncakeTrace(parsing: Array(text.utf8))
    let requests = trace.requests(speed: 2)
    #expect(requests.map(\.arrivalMicroseconds) == [0, 1_500_000])
    #expect(requests.map(\.maxTokens) == [7, 9])
    let prompts = requests.map(\.prompt.tokenIDs)
    #expect(prompts.map(\.count) == [1030, 1100])
    #expect(prompts[0].prefix(1024) == prompts[1].prefix(1024))
    #expect(prompts[0][1024] != prompts[1][1024])
    #expect(trace.requests(shrink: 8).map(\.prompt.tokenCount) == [128, 137])
    #expect(try MooncakeTrace(parsing: Array(text.utf8), limit: 1).entries.count == 1)
  }

  @Test("What is wrong with a trace is named with its line")
  func wrongTrace() {
    let good = #"{"timestamp": 0, "input_length": 5, "output_length": 7, "hash_ids": [0]}"#
    for wrong in [
      "{", #"{"timestamp": 0}"#,
      #"{"timestamp": 0, "input_length": 0, "output_length": 7, "hash_ids": [0]}"#,
      #"{"timestamp": 0, "input_length": 513, "output_length": 7, "hash_ids": [0]}"#,
    ] {
      #expect {
        try MooncakeTrace(parsing: Array("\(good)\n\(wrong)".utf8))
      } throws: {
        "\($0)".contains("line 2")
      }
    }
  }
}
