import GRPCCore
import GRPCCoreTransport
import MeshProtos
import MeshTypes
import SwiftProtobuf
import Synchronization

/// What the gateway knows of the models in the mesh. A vocabulary is asked for once and kept, since
/// it never changes under a name.
final class ModelDirectory: Sendable {
  private let tokenizer: Weft_Tokenizer_V1_TokenizerService.Client<CoreClientTransport>
  private let cells: SchedulerCells
  private let known = Mutex<Weft_Tokenizer_V1_DescribeModelResponse?>(nil)

  /// Creates a directory that asks these services.
  init(
    tokenizer: Weft_Tokenizer_V1_TokenizerService.Client<CoreClientTransport>,
    cells: SchedulerCells
  ) {
    self.tokenizer = tokenizer
    self.cells = cells
  }

  /// The model of that name, or the only one if the name is empty.
  ///
  /// - Throws: ``MeshError`` `notFound` naming the field `model`; `RPCError` `unavailable` if the
  ///   tokenizer cannot be reached.
  func model(named name: String) async throws -> Weft_Tokenizer_V1_DescribeModelResponse {
    let model = try await describe()
    guard name.isEmpty || name == model.model else {
      throw MeshError(
        .notFound,
        "model \"\(name.prefix(200))\" is not served; there is \"\(model.model)\"",
        field: "model"
      )
    }
    return model
  }

  /// The models that workers of all schedulers have joined with, sorted by name.
  ///
  /// - Throws: `RPCError` if no scheduler answers.
  func list() async throws -> [Weft_Gateway_V1_Model] {
    let workers = try await cells.statuses().flatMap(\.workers)
    let byName = Dictionary(grouping: workers) { $0.capabilities.model }
    return byName.sorted { $0.key < $1.key }.map { name, workers in
      .with {
        $0.name = name
        $0.contextLength = workers.map(\.capabilities.contextLength).min() ?? 0
        $0.vocabularySize = workers.map(\.capabilities.vocabularySize).min() ?? 0
        $0.workerCount = UInt32(workers.count)
      }
    }
  }

  private func describe() async throws -> Weft_Tokenizer_V1_DescribeModelResponse {
    if let model = known.withLock({ $0 }) { return model }
    let model = try await tokenizer.describeModel(.init(), options: .unaryDefaults)
    known.withLock { $0 = model }
    return model
  }
}

extension CallOptions {
  /// For calls inside the mesh that answer at once: a service that is just starting is waited for.
  static var unaryDefaults: CallOptions { .waiting(for: .seconds(10)) }

  /// Waits for the server to be there, for the whole call's `timeout` at most.
  static func waiting(for timeout: Duration) -> CallOptions {
    var options = CallOptions.defaults
    options.waitForReady = true
    options.timeout = timeout
    return options
  }
}
