import ArgumentParser
import Configuration
import GatewayService
import MeshRuntime

@main
struct GatewayCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "weft-gateway",
    abstract: "Serve clients of the mesh.",
    version: meshVersion
  )

  @Option(help: "Where to listen (WEFT_LISTEN; default 127.0.0.1:7700).")
  var listen: String?

  @Option(help: "The tokenizer's address (WEFT_TOKENIZER; default 127.0.0.1:7701).")
  var tokenizer: String?

  @Option(
    help: """
      The scheduler's address; of several the flag again for each, or commas between \
      (WEFT_SCHEDULER; default 127.0.0.1:7702).
      """
  )
  var scheduler: [String] = []

  @Option(help: "The longest that a request may take (WEFT_REQUEST_TIMEOUT_SECONDS; default 600).")
  var requestTimeoutSeconds: Int?

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let (settings, logger) = try await common.prepare(
      service: "weft-gateway",
      flags: [
        "listen": listen.map { .string($0) }, "tokenizer": tokenizer.map { .string($0) },
        "scheduler": scheduler.isEmpty ? nil : .string(scheduler.joined(separator: ",")),
        "request-timeout-seconds": requestTimeoutSeconds.map { .int($0) },
      ]
    )
    let gateway = Gateway(settings: try await GatewaySettings(settings), logger: logger)
    try await MeshProcess.run(gateway.services + common.services, logger: logger)
  }
}
