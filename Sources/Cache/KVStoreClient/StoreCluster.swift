package import BlockCache
package import Logging
import ServiceLifecycle
package final class StoreCluster: Service {
  package init(settings: StoreClusterSettings, logger: Logger) {}
  package func run() async throws {}
  package func lookup(_ keys: [BlockKey], in namespace: String, prefetch: Bool) async -> StorePrefix { StorePrefix() }
}
