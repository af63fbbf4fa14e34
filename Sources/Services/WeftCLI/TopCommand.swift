import ArgumentParser
import Configuration
import GRPCCore
import GRPCCoreTransport
import Glibc
import MeshProtos
import MeshRuntime
import MeshTypes

/// `weft top`: what the scheduler, its workers and the KV store are doing.
struct TopCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top",
    abstract: "Show queues, workers, the KV store, and what was decided about it."
  )

  /// How it is shown.
  enum Format: String, ExpressibleByArgument, CaseIterable {
    /// A table for people, again and again.
    case table
    /// Prometheus' text format, once.
    case prometheus
  }

  @Option(help: "The schedulers, with commas between (WEFT_SCHEDULER; default 127.0.0.1:7702).")
  var scheduler: String?

  @Option(help: "The KV store's replicas, with commas between (WEFT_KVSTORES; default none).")
  var kvstores: String?

  @Option(help: "Seconds between two looks.")
  var interval = 1.0

  @Flag(help: "Look once.")
  var once = false

  @Option(help: "table, or prometheus: every figure once, as metrics.")
  var format = Format.table

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard interval.isFinite, (0.1...3600).contains(interval) else {
      throw ValidationError("--interval must be in 0.1...3600, got \(interval)")
    }
  }

  func run() async throws {
    try await reportingStatus { try await watch() }
  }

  private func watch() async throws {
    let (settings, _) = try await common.prepare(
      service: "weft",
      flags: [
        "scheduler": scheduler.map { .string($0) }, "kvstores": kvstores.map { .string($0) },
      ]
    )
    let schedulers =
      try await settings.addresses("scheduler", upTo: 64) ?? [.tcp(host: "127.0.0.1", port: 7702)]
    let stores = try await settings.addresses("kvstores", upTo: 64) ?? []
    let isScreen = isatty(STDOUT_FILENO) == 1 && !once && format == .table
    while true {
      let view = try await MeshView.look(schedulers: schedulers, stores: stores)
      switch format {
      case .table: Terminal.show((isScreen ? "\u{1B}[H\u{1B}[2J" : "") + view.table)
      case .prometheus: Terminal.show(view.metrics)
      }
      if once || format == .prometheus { return }
      try await Task.sleep(for: .seconds(interval))
    }
  }
}

extension CallOptions {
  fileprivate static var brief: CallOptions {
    var options = CallOptions.defaults
    options.timeout = .seconds(5)
    return options
  }
}

extension MeshView {
  /// Asks all schedulers and every store once. A store that does not answer is shown as lost.
  static func look(
    schedulers: [TransportAddress],
    stores: [TransportAddress]
  ) async throws -> MeshView {
    var status = Weft_Scheduler_V1_GetStatusResponse()
    for address in schedulers {
      status.add(
        try await withConnection(to: address) { client in
          try await Weft_Scheduler_V1_SchedulerService.Client(wrapping: client)
            .getStatus(.init(), options: .brief)
        }
      )
    }
    var view = MeshView(scheduler: status, stores: [])
    for address in stores {
      let status = try? await withConnection(to: address) { client in
        try await Weft_Kvstore_V1_KVStoreService.Client(wrapping: client)
          .getStatus(.init(), options: .brief)
      }
      view.stores.append((address: "\(address)", status: status))
    }
    return view
  }

  private static func withConnection<Result: Sendable>(
    to address: TransportAddress,
    _ body: @Sendable (GRPCClient<CoreClientTransport>) async throws -> Result
  ) async throws -> Result {
    let client = MeshClient(address: address)
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await client.grpc.runConnections() }
      defer { client.grpc.beginGracefulShutdown() }
      return try await body(client.grpc)
    }
  }
}
