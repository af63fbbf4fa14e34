import BlockCache
import FoundationEssentials
import GRPCCore
import GRPCCoreTransport
import KVStoreClient
import Kernels
package import Logging
import MeshProtos
package import MeshRuntime
package import MeshTypes
import ModelFiles
package import ServiceLifecycle
import SwiftProtobuf
import Transformer

/// A model worker as a process: the engine, the server and the membership.
package struct Worker {
  /// What to run, in starting order.
  package let services: [any Service]
  /// The server, for its bound address and health.
  package let server: MeshServer

  /// Loads the model, which takes seconds, and wires the server; nothing listens yet.
  ///
  /// - Throws: ``MeshError`` naming the metadata key or tensor at fault.
  package init(settings: WorkerSettings, logger: Logger) async throws(MeshError) {
    let loader = ModelLoader()
    let key = try settings.store.keyFile.map { (path) throws(MeshError) in
      try MeshKeyFile.read(path)
    }
    let (engine, loaded, blocks) = try await loader.load(settings, logger: logger)
    var capabilities = loaded
    var stores: StoreCluster?
    var mover: BlockMover?
    if !settings.store.cluster.addresses.isEmpty {
      let cluster = StoreCluster(settings: settings.store.cluster, logger: logger)
      stores = cluster
      mover = BlockMover(
        stores: cluster,
        blocks: blocks,
        format: settings.store.blockFormat,
        key: key ?? MeshKeyFile.publicKey,
        stagingBytes: settings.store.stagingBytes,
        logger: logger
      )
      capabilities.storeBlockBytes = UInt64(
        BlockMover.storedBytes(of: blocks, settings.store.blockFormat)
      )
    }
    capabilities.role = settings.role.message
    let health = HealthService(services: [
      Weft_Worker_V1_WorkerService.descriptor.fullyQualifiedService
    ])
    health.markServing()
    server = MeshServer(
      settings: settings.server,
      services: [WorkerRPC(engine: engine, mover: mover, logger: logger)],
      health: health,
      logger: logger
    )
    let schedulerClient = MeshClient(address: settings.scheduler)
    let membership = Membership(
      name: settings.name,
      server: server,
      advertise: settings.advertise,
      capabilities: capabilities,
      scheduler: Weft_Scheduler_V1_SchedulerService.Client(wrapping: schedulerClient.grpc),
      logger: logger
    )
    services = (stores.map { [$0] } ?? []) + [schedulerClient, server, membership]
  }
}

/// Loads a model on the engine's own thread.
private actor ModelLoader {
  private let executor = DedicatedThreadExecutor(label: "weft.worker.engine")

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  func load(
    _ settings: WorkerSettings,
    logger: Logger
  ) throws(MeshError) -> (StepEngine, Weft_Scheduler_V1_Capabilities, KVBlocks) {
    let clock = ContinuousClock.now
    let file = try openModel(at: settings.model.path)
    let start = try RunnerStart(settings: settings.engine, weights: settings.weights)
      .run(file, logger: logger)
    let runner = start.runner
    let rootKey = BlockKey.root(
      modelDigest: runner.knownDigest ?? file.digest(),
      numericsID: NumericsID.current(settings.engine.kvType),
      layout: settings.store.blockFormat.keyed("\(runner.kvMemory.layout)"),
      blockSizeTokens: EngineSettings.blockSizeTokens
    )
    let capabilities = Weft_Scheduler_V1_Capabilities.with {
      $0.model = settings.model.name
      $0.vocabularySize = UInt32(runner.configuration.vocabularySize)
      $0.contextLength = UInt32(runner.configuration.contextLength)
      $0.blockSize = UInt32(EngineSettings.blockSizeTokens)
      $0.blockCount = UInt32(runner.kvMemory.blockCount)
      $0.maxBatchTokens = UInt32(settings.engine.maxBatchTokens)
      $0.maxBatchSequences = UInt32(settings.engine.maxBatchSequences)
      $0.cacheRootKey = Data(rootKey.bytes)
      $0.prefillTokensPerSecond = start.speed.prefillTokensPerSecond
      $0.decodeTokensPerSecond = start.speed.decodeTokensPerSecond
    }
    logger.report(runner, settings, seconds: (.now - clock) / .seconds(1))
    let engine = StepEngine(
      runner: runner,
      structures: StructureLibrary(
        modelPath: settings.model.path,
        vocabularySize: runner.configuration.vocabularySize
      ),
      maxBatchSequences: settings.engine.maxBatchSequences,
      executor: executor
    )
    return (engine, capabilities, runner.kvMemory.blocks)
  }
}

extension Logger {
  fileprivate func report(_ runner: ModelRunner, _ settings: WorkerSettings, seconds: Double) {
    if case .packed(let failure?) = runner.weightsOrigin {
      warning("cannot keep packed weights", metadata: ["error": "\(failure)"])
    }
    info(
      "model loaded",
      metadata: [
        "model": "\(settings.model.name)", "kv-blocks": "\(runner.settings.blockCount)",
        "kv-dtype": "\(settings.engine.kvType)",
        "threads": "\(settings.engine.threads)", "weights": "\(runner.weightsOrigin)",
        "layers": "\(runner.configuration.layerCount)",
        "layers-in-memory": "\(runner.residentLayerCount)", "seconds": "\(seconds)",
      ]
    )
  }
}

extension KVBlockFormat {
  /// The layout as block keys have it: blocks of inexact formats are never taken for exact ones.
  fileprivate func keyed(_ layout: String) -> String {
    self == .exact ? layout : "\(layout) as \(rawValue)"
  }
}

extension WorkerSettings.Role {
  fileprivate var message: Weft_Scheduler_V1_WorkerRole {
    switch self {
    case .everything: .unspecified
    case .prefill: .prefill
    case .decode: .decode
    }
  }
}
