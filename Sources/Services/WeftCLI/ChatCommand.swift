import ArgumentParser
import GRPCCore
import MeshProtos
import SwiftProtobuf

/// `weft chat`: a conversation on the terminal.
struct ChatCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chat",
    abstract: "Talk with the model; end with Ctrl-D."
  )

  @Option(help: "What the model is told before the conversation.")
  var system: String?

  @Option(help: "Ask this one question and end.")
  var message: String?

  @OptionGroup var sampling: SamplingOptions
  @OptionGroup var gateway: GatewayOptions

  func run() async throws {
    let address = try await gateway.address()
    try await reportingStatus {
      try await GatewayClient.with(address) { client in
        var turns: [(role: String, content: String)] = []
        if let system { turns.append(("system", system)) }
        if let message {
          _ = try await answer(message, after: &turns, client)
          return
        }
        let lines = LineReader()
        Terminal.show("> ")
        while let line = await lines.next() {
          if !line.isEmpty {
            let finish = try await answer(line, after: &turns, client)
            Terminal.note("[\(finish.summary)]")
          }
          Terminal.show("> ")
        }
        Terminal.show("\n")
      }
    }
  }

  private func answer(
    _ question: String,
    after turns: inout [(role: String, content: String)],
    _ client: GatewayClient
  ) async throws -> Weft_Gateway_V1_Finish {
    turns.append(("user", question))
    let messages = turns.map { turn in
      Weft_Types_V1_ChatMessage.with {
        $0.role = turn.role
        $0.content = turn.content
      }
    }
    let options = try sampling.message()
    let (text, finish) = try await client.chat(
      .with {
        $0.messages = messages
        $0.options = options
      },
      show: Terminal.show
    )
    turns.append(("assistant", text))
    Terminal.show("\n")
    return finish
  }
}
