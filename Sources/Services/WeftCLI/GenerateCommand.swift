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

  @Option(name: [.customShort("n"), .long], help: "How many outputs to produce, at most 16.")
  var outputs: UInt32?

  @Option(help: "Produce so many outputs, and show those that are likeliest.")
  var bestOf: UInt32?

  @Flag(help: "Recognise control tokens such as <|im_start|> in the prompt.")
  var parseSpecialTokens = false

  @OptionGroup var sampling: SamplingOptions
  @OptionGroup var gateway: GatewayOptions

  func run() async throws {
    var options = try sampling.message()
    if let outputs { options.n = outputs }
    if let bestOf { options.bestOf = bestOf }
    let request = Weft_Gateway_V1_GenerateRequest.with { [options] in
      $0.text = prompt
      $0.parseSpecialTokens = parseSpecialTokens
      $0.options = options
    }
    let finishes = try await reportingStatus {
      try await GatewayClient.with(try await gateway.address()) { client in
        try await client.generate(request, show: Terminal.show)
      }
    }
    for (index, finish) in finishes.sorted(by: { $0.key < $1.key }) {
      Terminal.note(finishes.count > 1 ? "[\(index): \(finish.summary)]" : "[\(finish.summary)]")
    }
  }
}
