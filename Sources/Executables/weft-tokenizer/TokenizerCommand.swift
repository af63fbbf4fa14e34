import ArgumentParser
import Configuration
import MeshRuntime
import TokenizerService

@main
struct TokenizerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "weft-tokenizer",
    abstract: "Turn text into token ids and back.",
    version: meshVersion
  )

  @Option(help: "Where to listen (WEFT_LISTEN; default 127.0.0.1:7701).")
  var listen: String?

  @Option(help: "The GGUF file whose vocabulary to serve (WEFT_MODEL).")
  var model: String?

  @Option(help: "The model's name in requests (WEFT_MODEL_NAME; default the file's name).")
  var modelName: String?

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let (settings, logger) = try await common.prepare(
      service: "weft-tokenizer",
      flags: [
        "listen": listen.map { .string($0) }, "model": model.map { .string($0) },
        "model-name": modelName.map { .string($0) },
      ]
    )
    let server = try TokenizerServer(
      settings: try await TokenizerSettings(settings),
      logger: logger
    )
    try await MeshProcess.run(server.services + common.services, logger: logger)
  }
}
