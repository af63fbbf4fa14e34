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

  /// Reads what ``ServerSettings``, ``StoreClusterSettings`` and `SchedulerSettings` do.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting.
  package init(_ reader: SettingsReader) async throws(MeshError) {
    server = try await ServerSettings(reader, defaultPort: 7702)
    scheduling = try await SchedulerSettings(reader)
    stores = try await StoreClusterSettings(reader)
    scheduling.usesStore = !stores.addresses.isEmpty
  }
}
