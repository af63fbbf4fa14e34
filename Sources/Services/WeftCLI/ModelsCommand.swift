import ArgumentParser
import MeshProtos

/// `weft models`: what the gateway offers.
struct ModelsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models",
    abstract: "List the models that the gateway serves."
  )

  @OptionGroup var gateway: GatewayOptions

  func run() async throws {
    let models = try await reportingStatus {
      try await GatewayClient.with(try await gateway.address()) { try await $0.models() }
    }
    for model in models {
      Terminal.show(
        "\(model.name)\tcontext \(model.contextLength)\tvocabulary \(model.vocabularySize)"
          + "\tworkers \(model.workerCount)\n"
      )
    }
  }
}
