import GRPCCore
import MeshProtos
import MeshRuntime
import MeshTypes
import ServiceLifecycle
import SwiftProtobuf

/// Waits until the mesh is healthy, tells where it is, and streams a first answer.
struct MeshWelcome: Service {
  let plan: MeshPlan
  let question: String

  func run() async throws {
    await cancelWhenGracefulShutdown {
      do {
        try await waitUntilReady()
        introduce()
        try await askFirstQuestion()
        Terminal.note("\nCtrl-C stops the mesh.")
      } catch is CancellationError {
      } catch {
        Terminal.note("the first answer failed: \(error)")
      }
    }
    // A service that returns ends its group; the mesh runs until it is told to stop.
    try? await gracefulShutdown()
  }

  private func waitUntilReady() async throws {
    for process in plan.processes {
      while await !HealthProbe.isServing(process.address) {
        try await Task.sleep(for: .milliseconds(100))
      }
      Terminal.note("  \(process.name) is healthy at \(process.address)")
    }
    try await GatewayClient.with(plan.gateway) { client in
      while try await client.models().isEmpty { try await Task.sleep(for: .milliseconds(50)) }
    }
  }

  private func introduce() {
    Terminal.note(
      """

      The mesh serves at \(plan.gateway). From another terminal:
        ./weft chat
        ./weft generate "Once upon a time"
        ./weft top \(plan.watchArguments)

      """
    )
  }

  private func askFirstQuestion() async throws {
    guard !question.isEmpty else { return }
    Terminal.show("> \(question)\n")
    try await GatewayClient.with(plan.gateway) { client in
      let (_, finish) = try await client.chat(
        .with {
          $0.messages = [
            .with {
              $0.role = "user"
              $0.content = question
            }
          ]
          $0.options.maxTokens = 200
        },
        show: Terminal.show
      )
      Terminal.note("\n[\(finish.summary)]")
    }
  }
}
