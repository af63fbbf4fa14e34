package import Scheduling

/// The same requests under each way of choosing workers.
package struct RoutingComparison: Sendable {
  /// A way of choosing workers, and of caching.
  package struct Variant: Hashable, Sendable {
    /// For people.
    package var name: String
    /// How a worker is chosen.
    package var routing: SchedulerSettings.Routing
    /// Whether what was computed stays in the worker's memory for others.
    package var keepsPrefixes = true
    /// Whether workers share a KV store.
    package var usesStore = false
  }

  /// From the simplest to what Weft does.
  package static let variants = [
    Variant(name: "no cache, least load", routing: .leastLoad, keepsPrefixes: false),
    Variant(name: "local caches, random", routing: .random),
    Variant(name: "local caches, least load", routing: .leastLoad),
    Variant(name: "local caches, cache-aware", routing: .leastCost),
    Variant(name: "shared store, cache-aware", routing: .leastCost, usesStore: true),
  ]

  /// One run.
  package struct Row: Sendable {
    /// The way of choosing.
    package var variant: Variant
    /// What came of it.
    package var report: SimulationReport
  }

  /// In the order of ``variants``.
  package private(set) var rows: [Row] = []

  /// Runs `scenario` once for each variant; workers keep a store's blocks of `storeBlockBytes`.
  package init(
    _ scenario: SimulationScenario,
    storeBlockBytes: Int
  ) throws {
    for variant in Self.variants {
      var scenario = scenario
      scenario.settings.routing = variant.routing
      scenario.settings.usesStore = variant.usesStore
      // Who waits for a worker that was drawn keeps nobody from another.
      if variant.routing == .random { scenario.settings.dispatchLookahead = 1_000_000 }
      scenario.settings.awaitsSharedPrefixes = variant.keepsPrefixes
      for worker in scenario.workers.indices {
        scenario.workers[worker].storeBlockBytes = variant.usesStore ? storeBlockBytes : 0
      }
      if !variant.keepsPrefixes { scenario.makePromptsUnique() }
      var simulation = try Simulation(scenario)
      rows.append(Row(variant: variant, report: try simulation.run()))
    }
  }
}

extension SimulationScenario {
  /// Gives every request a prompt of its own, so that there is nothing to share.
  fileprivate mutating func makePromptsUnique() {
    for number in requests.indices {
      requests[number].prompt = SimulatedPrompt([
        .init(text: 1 << 40 + UInt64(number), tokenCount: requests[number].prompt.tokenCount)
      ])
    }
  }
}
