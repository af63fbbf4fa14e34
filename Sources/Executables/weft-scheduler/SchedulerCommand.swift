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

  @Option(help: "The most sequences that wait (WEFT_MAX_WAITING_SEQUENCES; default 1024).")
  var maxWaitingSequences: Int?

  @Option(help: "The most prompt tokens of one sequence in a step (WEFT_MAX_PREFILL_TOKENS).")
  var maxPrefillTokens: Int?

  @Option(help: "Tokens of growth that admission leaves room for (WEFT_GROWTH_HORIZON_TOKENS).")
  var growthHorizonTokens: Int?

  @Option(help: "The KV store's replicas, with commas between (WEFT_KVSTORES; default none).")
  var kvstores: String?

  @Option(help: "Blocks to store: all, preempted or none (WEFT_STORE_WRITES; default all).")
  var storeWrites: String?

  @OptionGroup var speculation: SpeculationOptions

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let (settings, logger) = try await common.prepare(
      service: "weft-scheduler",
      flags: [
        "listen": listen.map { .string($0) },
        "max-waiting-sequences": maxWaitingSequences.map { .int($0) },
        "max-prefill-tokens": maxPrefillTokens.map { .int($0) },
        "growth-horizon-tokens": growthHorizonTokens.map { .int($0) },
        "kvstores": kvstores.map { .string($0) },
        "store-writes": storeWrites.map { .string($0) },
      ].merging(speculation.flags) { $1 }
    )
    let server = try SchedulerServer(
      settings: try await SchedulerServiceSettings(settings),
      firstEpoch: .now(),
      logger: logger
    )
    try await MeshProcess.run(server.services + common.services, logger: logger)
  }
}
