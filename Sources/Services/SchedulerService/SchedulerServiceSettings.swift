package import KVStoreClient
package import MeshRuntime
package import MeshTypes
package import Scheduling

/// What a scheduler service needs to know to run.
package struct SchedulerServiceSettings: Sendable {
  /// How to listen.
  package var server: ServerSettings
  /// How to schedule.
  package var scheduling: SchedulerSettings
  /// The KV store's replicas, if there are any.
  package var stores: StoreClusterSettings

  /// Drafts of a slice; measured in docs/decisions/0020.
  private static let defaultDraftTokens = 8

  /// Reads what ``ServerSettings`` and ``StoreClusterSettings`` do, `max-waiting-sequences`,
  /// `max-prefill-tokens`, `growth-horizon-tokens`, `speculative-tokens`, `speculative-sequences` and
  /// `store-writes`.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting.
  package init(_ reader: SettingsReader) async throws(MeshError) {
    server = try await ServerSettings(reader, defaultPort: 7702)
    scheduling = SchedulerSettings()
    if let count = try await reader.integer("max-waiting-sequences", in: 1...1_000_000) {
      scheduling.maxWaitingSequences = count
    }
    if let tokens = try await reader.integer("growth-horizon-tokens", in: 0...1_000_000) {
      scheduling.growthHorizonTokens = tokens
    }
    scheduling.maxPrefillTokensPerSequencePerStep =
      try await reader.integer("max-prefill-tokens", in: 1...65_536) ?? 256
    let drafts = try await reader.integer(
      "speculative-tokens",
      in: 0...SchedulerSettings.draftTokensLimit
    )
    scheduling.maxDraftTokens = drafts ?? Self.defaultDraftTokens
    if let count = try await reader.integer("speculative-sequences", in: 1...4096) {
      scheduling.maxSpeculatingSequences = count
    }
    stores = try await StoreClusterSettings(reader)
    scheduling.usesStore = !stores.addresses.isEmpty
    if let text = try await reader.text("store-writes") {
      guard let writes = SchedulerSettings.StoreWrites(rawValue: text) else {
        let allowed = SchedulerSettings.StoreWrites.allCases.map(\.rawValue)
        throw .invalid("store-writes", "must be one of \(allowed), got \"\(text.prefix(100))\"")
      }
      scheduling.storeWrites = writes
    }
  }
}
