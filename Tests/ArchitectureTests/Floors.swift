/// The house of docs/architecture.md: every target on its floor, and what it may stand on.
enum Floors {
  /// The wire is half a floor below the runtime that is built on it.
  static let targets: [(height: Double, targets: Set<String>)] = [
    (0, ["CChecksum", "CGRPC", "CCrypto", "CKernels", "CStoreIO", "CStoreMemory"]),
    (1, ["MeshTypes"]),
    (1.5, ["JSONText"]),
    (
      2,
      [
        "BlockCache", "Checksum", "Tokenization", "ChatTemplates", "Grammars", "ModelFiles",
        "Kernels",
      ]
    ),
    (3, ["Scheduling", "SegmentStore", "TieredStore", "TokenizerFiles", "Transformer"]),
    (3.5, ["Simulation"]),
    (4, ["GRPCCoreTransport", "MeshProtos"]),
    (4.5, ["MeshRuntime"]),
    (4.75, ["KVStoreWire"]),
    (4.875, ["KVStoreClient"]),
    (5, services),
    (6, executables),
  ]

  static let services: Set<String> = [
    "GatewayService", "KVStoreService", "SchedulerService", "TokenizerService", "WorkerService",
    "WeftCLI",
  ]

  static let executables: Set<String> = [
    "weft", "weft-gateway", "weft-kvstore", "weft-scheduler", "weft-tokenizer", "weft-worker",
  ]

  /// What is tested elsewhere than in tests of its own name, and where.
  static let testedElsewhere: [String: String] = [
    "CChecksum": "through Checksum",
    "CGRPC": "through GRPCCoreTransport",
    "CCrypto": "libcrypto's header",
    "CKernels": "through Kernels",
    "CStoreIO": "through SegmentStore",
    "CStoreMemory": "through TieredStore",
    "TokenizerFiles": "through TokenizerService",
    "MeshProtos": "generated code, compared by dev/generate-protos",
    "weft": "MeshTests", "weft-gateway": "MeshTests", "weft-kvstore": "KVStoreServiceTests",
    "weft-scheduler": "MeshTests", "weft-tokenizer": "MeshTests", "weft-worker": "MeshTests",
  ]

  /// The floor of one of our targets; nil for a module from elsewhere.
  static func height(of target: String) -> Double? {
    targets.first { $0.targets.contains(target) }?.height
  }

  /// Our own modules that `target` may not import, among `imports`.
  static func violations(of target: String, importing imports: Set<String>) -> [String] {
    guard let height = height(of: target) else { return ["\(target) is on no floor"] }
    return imports.sorted().filter { $0 != target }.compactMap { imported in
      guard let other = Self.height(of: imported) else { return nil }
      if height == 4.5 || height == 4 {
        return other <= 1 || other == 4 && height > 4 ? nil : imported
      }
      return other < height ? nil : imported
    }
  }
}
