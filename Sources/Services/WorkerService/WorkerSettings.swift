package import GRPCCoreTransport
import Glibc
package import Kernels
package import MeshRuntime
package import MeshTypes
package import Transformer

/// What a model worker needs to know to run.
package struct WorkerSettings: Sendable {
  /// How to listen.
  package var server: ServerSettings
  /// Where the scheduler reaches this worker; nil means the bound address.
  package var advertise: TransportAddress?
  /// The scheduler to join.
  package var scheduler: TransportAddress
  /// The worker's name; unique among the scheduler's workers.
  package var name: String
  /// The model to run.
  package var model: ModelSettings
  /// How to run it.
  package var engine: EngineSettings
  /// Where to keep its weights.
  package var weights: WeightsSettings
  /// How to use the KV store.
  package var store: StoreSettings
  /// What the worker is for.
  package var role: Role

  /// What a worker is for, where prompts and decoding have workers of their own.
  package enum Role: String, CaseIterable, Sendable {
    case everything
    case prefill
    case decode
  }

  /// Reads what ``ServerSettings`` does, `advertise`, `scheduler`, `worker-name`, `worker-role`, `model`,
  /// `model-name` and what ``EngineSettings``, `WeightsSettings` and ``StoreSettings`` read.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting.
  package init(_ reader: SettingsReader) async throws(MeshError) {
    server = try await ServerSettings(reader, defaultPort: 7710)
    advertise = try await reader.address("advertise")
    scheduler = try await reader.address("scheduler") ?? .tcp(host: "127.0.0.1", port: 7702)
    name = try await reader.text("worker-name") ?? "\(Self.hostName()):\(getpid())"
    guard (1...200).contains(name.utf8.count) else {
      throw .invalid("worker-name", "must be of 1...200 bytes, got \(name.utf8.count)")
    }
    model = try await ModelSettings(reader)
    engine = try await EngineSettings(reader)
    weights = try await WeightsSettings(reader)
    store = try await StoreSettings(reader)
    guard engine.kvType == .f16 || store.blockFormat == .exact else {
      throw .invalid(
        "store-block-format",
        "must be exact with a kv-dtype of \(engine.kvType), whose blocks are small as they are"
      )
    }
    role = try await reader.choice("worker-role") ?? .everything
  }

  private static func hostName() -> String {
    var bytes = [CChar](repeating: 0, count: 256)
    guard gethostname(&bytes, bytes.count - 1) == 0 else { return "worker" }
    return String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}

/// How the engine uses the machine.
package struct EngineSettings: Sendable {
  /// Compute threads.
  package var threads: Int
  /// Whether they stay on CPUs.
  package var pinning: ThreadPinning
  /// KV blocks to preallocate; nil means as many as ``kvMemoryBytes`` holds.
  package var blockCount: Int?
  /// Memory for KV blocks in bytes, if ``blockCount`` is nil; nil means what ``memoryUtilization``
  /// leaves.
  package var kvMemoryBytes: Int?
  /// The share of the machine's or the control group's memory that may be in use when the KV blocks
  /// are there, in 0.01...1; nil means 0.9, and 1 GiB for KV blocks at most.
  package var memoryUtilization: Double?
  /// How keys and values stand in memory.
  package var kvType: KVType
  /// The most tokens in one step.
  package var maxBatchTokens: Int
  /// The most sequences in one step.
  package var maxBatchSequences: Int

  /// Tokens in a KV block.
  package static let blockSizeTokens = 16

  /// Reads `threads`, `pin-threads`, `kv-blocks`, `kv-memory-mib`, `memory-utilization`, `kv-dtype`,
  /// `max-batch-tokens` and `max-batch-sequences`.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting.
  package init(_ reader: SettingsReader) async throws(MeshError) {
    threads = try await reader.integer("threads", in: 1...256) ?? MachineLimits().threadCount
    pinning = try await reader.choice("pin-threads") ?? .auto
    blockCount = try await reader.integer("kv-blocks", in: 2...KVMemoryPlan.largestCount)
    kvMemoryBytes = try await reader.integer("kv-memory-mib", in: 1...(1 << 24)).map { $0 << 20 }
    memoryUtilization = try await reader.number("memory-utilization", in: 0.01...1)
    kvType = try await reader.choice("kv-dtype") ?? .f16
    maxBatchTokens = try await reader.integer("max-batch-tokens", in: 16...65_536) ?? 512
    maxBatchSequences = try await reader.integer("max-batch-sequences", in: 1...4096) ?? 64
  }
}
