import GRPCCore
import KVStoreClient
package import Logging
import MeshProtos
package import MeshRuntime
package import MeshTypes
import Scheduling
package import ServiceLifecycle

/// The scheduler service as a process.
package struct SchedulerServer {
  /// What to run, in starting order.
  package let services: [any Service]
  /// The server, for its bound address and health.
  package let server: MeshServer

  /// Wires the server; nothing listens yet.
  ///
  /// - Parameters:
  ///   - settings: Checked here.
  ///   - firstEpoch: Above every epoch that a scheduler before this one has given;
  ///     the microseconds of the clock are.
  ///   - clock: What deadlines are told in.
  /// - Throws: ``MeshError`` `invalidArgument` naming a setting.
  package init(
    settings: SchedulerServiceSettings,
    firstEpoch: Epoch,
    clock: SchedulerClock = .monotonic(),
    logger: Logger
  ) throws(MeshError) {
    let core = try SchedulerCore(settings: settings.scheduling, firstEpoch: firstEpoch)
    let health = HealthService(services: [
      Weft_Scheduler_V1_SchedulerService.descriptor.fullyQualifiedService
    ])
    health.markServing()
    let dispatcher = Dispatcher(core: core, clock: clock)
    server = MeshServer(
      settings: settings.server,
      services: [SchedulerRPC(dispatcher: dispatcher, clock: clock, logger: logger)],
      health: health,
      logger: logger
    )
    guard settings.scheduling.usesStore else {
      services = [server]
      return
    }
    let stores = StoreCluster(settings: settings.stores, logger: logger)
    services = [stores, StoreLookups(dispatcher: dispatcher, stores: stores), server]
  }
}
