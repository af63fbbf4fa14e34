import ArgumentParser
import Configuration
import MeshRuntime
import WorkerService

@main
struct WorkerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "weft-worker",
    abstract: "Run a model's steps for a scheduler.",
    version: meshVersion
  )

  @Option(help: "Where to listen (WEFT_LISTEN; default 127.0.0.1:7710).")
  var listen: String?

  @Option(help: "Where the scheduler reaches this worker (WEFT_ADVERTISE; default as bound).")
  var advertise: String?

  @Option(help: "The scheduler to join (WEFT_SCHEDULER; default 127.0.0.1:7702).")
  var scheduler: String?

  @Option(help: "A unique name (WEFT_WORKER_NAME; default host name and process id).")
  var workerName: String?

  @Option(help: "The GGUF file or Hugging Face folder to run (WEFT_MODEL).")
  var model: String?

  @Option(help: "The model's name in requests (WEFT_MODEL_NAME; default the file's name).")
  var modelName: String?

  @Option(help: "everything, prefill or decode (WEFT_WORKER_ROLE; default everything).")
  var workerRole: String?

  @OptionGroup var engine: EngineOptions
  @OptionGroup var weights: WeightsOptions
  @OptionGroup var store: StoreOptions
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let flags = [
      "listen": listen, "advertise": advertise, "scheduler": scheduler, "worker-name": workerName,
      "model": model, "model-name": modelName, "worker-role": workerRole,
    ].mapValues { $0.map { ConfigContent.string($0) } }
    let (settings, logger) = try await common.prepare(
      service: "weft-worker",
      flags: [engine.flags, weights.flags, store.flags].reduce(flags) { all, more in
        all.merging(more) { first, _ in first }
      }
    )
    let worker = try await Worker(settings: try await WorkerSettings(settings), logger: logger)
    try await MeshProcess.run(worker.services + common.services, logger: logger)
  }
}
