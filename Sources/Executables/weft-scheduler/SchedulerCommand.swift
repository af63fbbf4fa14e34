import ArgumentParser
import Configuration
import MeshRuntime
import SchedulerService

@main
struct SchedulerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "weft-scheduler",
    abstract: "Decide what every worker runs in its next step.",
    version: meshVersion
  )

  @Option(help: "Where to listen (WEFT_LISTEN; default 127.0.0.1:7702).")
  var listen: String?

  @Option(help: "The KV store's replicas, with commas between (WEFT_KVSTORES; default none).")
  var kvstores: String?

  @Option(help: "Blocks to store: all, preempted or none (WEFT_STORE_WRITES; default all).")
  var storeWrites: String?

  @OptionGroup var queue: QueueOptions
  @OptionGroup var placement: PlacementOptions
  @OptionGroup var speculation: SpeculationOptions
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let flags = ["listen": listen, "kvstores": kvstores, "store-writes": storeWrites]
      .mapValues { $0.map { ConfigContent.string($0) } }
    let (settings, logger) = try await common.prepare(
      service: "weft-scheduler",
      flags: [queue.flags, placement.flags, speculation.flags].reduce(flags) { all, more in
        all.merging(more) { first, _ in first }
      }
    )
    let server = try SchedulerServer(
      settings: try await SchedulerServiceSettings(settings),
      firstEpoch: .now(),
      logger: logger
    )
    try await MeshProcess.run(server.services + common.services, logger: logger)
  }
}
