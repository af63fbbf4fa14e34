import ArgumentParser
import GRPCCore
import MeshProtos
import SwiftProtobuf

/// `weft generate "…"`: continues a prompt.
struct GenerateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Continue a prompt, streaming the text."
  )

  @Argument(help: "The prompt.")
  var prompt: String

  @Flag(help: "Recognise control tokens such as <|im_start|> in the prompt.")
  var parseSpecialTokens = false

  @OptionGroup var sampling: SamplingOptions
  @OptionGroup var gateway: GatewayOptions

  func run() async throws {
    let options = try sampling.message()
    let request = Weft_Gateway_V1_GenerateRequest.with {
      $0.text = prompt
      $0.parseSpecialTokens = parseSpecialTokens
      $0.options = options
    }
    let finish = try await reportingStatus {
      try await GatewayClient.with(try await gateway.address()) { client in
        try await client.generate(request, show: Terminal.show)
      }
    }
    Terminal.show("\n")
    Terminal.note("[\(finish.summary)]")
  }
}
