// swift-tools-version: 6.2

import PackageDescription

// MARK: Settings

let swiftSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .treatAllWarnings(as: .error),
]

// The kernels are optimised in debug builds too: a debug worker would be unusable otherwise.
let kernelSettings: [CSetting] = [.unsafeFlags(["-O3", "-Wall", "-Wextra", "-Werror"])]

// MARK: Packages

let argumentParser = Target.Dependency.product(
  name: "ArgumentParser",
  package: "swift-argument-parser"
)
let configuration = Target.Dependency.product(
  name: "Configuration",
  package: "swift-configuration"
)
let grpcCore = Target.Dependency.product(name: "GRPCCore", package: "grpc-swift-2")
let grpcProtobuf = Target.Dependency.product(name: "GRPCProtobuf", package: "grpc-swift-protobuf")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let serviceLifecycle = Target.Dependency.product(
  name: "ServiceLifecycle",
  package: "swift-service-lifecycle"
)
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let unixSignals = Target.Dependency.product(
  name: "UnixSignals",
  package: "swift-service-lifecycle"
)

// MARK: Targets

func library(
  _ name: String,
  in folder: String,
  _ dependencies: [Target.Dependency] = []
) -> Target {
  .target(
    name: name,
    dependencies: dependencies,
    path: "Sources/\(folder)/\(name)",
    swiftSettings: swiftSettings
  )
}

func executable(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(
    name: name,
    dependencies: dependencies + [argumentParser, configuration, "MeshRuntime"],
    path: "Sources/Executables/\(name)",
    swiftSettings: swiftSettings
  )
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(
    name: "\(name)Tests",
    dependencies: dependencies + ["TestSupport"],
    path: "Tests/\(name)Tests",
    exclude: fixtures(of: "\(name)Tests"),
    swiftSettings: swiftSettings
  )
}

// Tests find their fixtures by path.
func fixtures(of name: String) -> [String] {
  [
    "ChatTemplatesTests", "GRPCCoreTransportTests", "GrammarsTests", "KernelsTests", "MeshTests",
    "ModelFilesTests", "TokenizationTests", "TransformerTests",
  ].contains(name) ? ["Fixtures"] : []
}

let rpc: [Target.Dependency] = [
  "MeshTypes", "GRPCCoreTransport", "MeshProtos", "MeshRuntime", configuration, grpcCore, logging,
  protobuf, serviceLifecycle,
]

let floor0: [Target] = [
  .target(
    name: "CGRPC",
    path: "Sources/Wire/CGRPC",
    linkerSettings: [.linkedLibrary("grpc"), .linkedLibrary("gpr")]
  ),
  .systemLibrary(name: "CCrypto", path: "Sources/Cache/CCrypto"),
  .target(name: "CKernels", path: "Sources/Engine/CKernels", cSettings: kernelSettings),
  .target(name: "CChecksum", path: "Sources/Cache/CChecksum", cSettings: kernelSettings),
  .target(
    name: "CStoreIO",
    path: "Sources/Cache/CStoreIO",
    cSettings: kernelSettings,
    linkerSettings: [.linkedLibrary("uring"), .linkedLibrary("zstd")]
  ),
  .target(name: "CStoreMemory", path: "Sources/Cache/CStoreMemory", cSettings: kernelSettings),
]

let floor1: [Target] = [
  library("MeshTypes", in: "Runtime"),
  library("JSONText", in: "Text", ["MeshTypes"]),
]

let floor2: [Target] = [
  library("BlockCache", in: "Cache", ["CCrypto", "MeshTypes"]),
  library("Checksum", in: "Cache", ["CChecksum", "CCrypto"]),
  library("Tokenization", in: "Text", ["JSONText", "MeshTypes"]),
  library("ChatTemplates", in: "Text", ["JSONText", "MeshTypes"]),
  library(
    "ModelFiles",
    in: "Engine",
    ["CChecksum", "CCrypto", "CStoreIO", "JSONText", "MeshTypes"]
  ),
  library("Grammars", in: "Text", ["JSONText", "MeshTypes"]),
  library("Kernels", in: "Engine", ["CKernels", "MeshTypes"]),
]

let floor3: [Target] = [
  library("Scheduling", in: "Scheduling", ["BlockCache", "MeshTypes"]),
  library(
    "Simulation",
    in: "Scheduling",
    ["BlockCache", "JSONText", "MeshTypes", "Scheduling"]
  ),
  library("SegmentStore", in: "Cache", ["BlockCache", "CStoreIO", "Checksum", "MeshTypes"]),
  library("TieredStore", in: "Cache", ["BlockCache", "CStoreMemory", "Checksum", "MeshTypes"]),
  library(
    "TokenizerFiles",
    in: "Text",
    ["JSONText", "MeshTypes", "ModelFiles", "Tokenization"]
  ),
  library("Transformer", in: "Engine", ["Kernels", "ModelFiles", "MeshTypes"]),
]

let floor4: [Target] = [
  library("GRPCCoreTransport", in: "Wire", ["CGRPC", grpcCore]),
  library("MeshProtos", in: "Wire", [grpcCore, grpcProtobuf, protobuf]),
  library(
    "KVStoreWire",
    in: "Wire",
    [
      "BlockCache", "CGRPC", "Checksum", "GRPCCoreTransport", "MeshProtos", "MeshTypes", grpcCore,
      grpcProtobuf, protobuf,
    ]
  ),
  library(
    "MeshRuntime",
    in: "Runtime",
    [
      "MeshTypes", "GRPCCoreTransport", "MeshProtos", argumentParser, configuration, grpcCore,
      grpcProtobuf, logging, protobuf, serviceLifecycle, systemPackage, unixSignals,
    ]
  ),
  library("KVStoreClient", in: "Cache", rpc + ["BlockCache", "Checksum", "KVStoreWire"]),
]

let floor5: [Target] = [
  library("GatewayService", in: "Services", rpc + ["Grammars", "Tokenization", grpcProtobuf]),
  library(
    "KVStoreService",
    in: "Services",
    rpc + [
      "BlockCache", "Checksum", "KVStoreWire", "SegmentStore", "TieredStore", grpcProtobuf,
    ]
  ),
  library("SchedulerService", in: "Services", rpc + ["BlockCache", "KVStoreClient", "Scheduling"]),
  library(
    "TokenizerService",
    in: "Services",
    rpc + ["ChatTemplates", "JSONText", "ModelFiles", "Tokenization", "TokenizerFiles"]
  ),
  library(
    "WorkerService",
    in: "Services",
    rpc + [
      "BlockCache", "Checksum", "Grammars", "KVStoreClient", "KVStoreWire", "Kernels",
      "ModelFiles", "Tokenization", "TokenizerFiles", "Transformer", systemPackage,
    ]
  ),
  library(
    "WeftCLI",
    in: "Services",
    rpc + [
      "BlockCache", "Kernels", "ModelFiles", "Scheduling", "SegmentStore", "Simulation",
      argumentParser, subprocess, systemPackage,
    ]
  ),
]

let floor6: [Target] = [
  executable("weft", ["WeftCLI"]),
  executable("weft-gateway", ["GatewayService"]),
  executable("weft-kvstore", ["KVStoreService"]),
  executable("weft-scheduler", ["SchedulerService"]),
  executable("weft-tokenizer", ["TokenizerService"]),
  executable("weft-worker", ["WorkerService"]),
]

func benchmark(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(
    name: name,
    dependencies: dependencies + ["MeshTypes"],
    path: "Benchmarks/\(name)",
    swiftSettings: swiftSettings
  )
}

let benchmarks: [Target] = [
  .target(name: "CMachineLimits", path: "Benchmarks/CMachineLimits", cSettings: kernelSettings),
  benchmark(
    "engine-benchmark",
    [argumentParser, "CMachineLimits", "Kernels", "ModelFiles", "Transformer"]
  ),
  benchmark("eviction-benchmark", ["BlockCache", "TieredStore"]),
  benchmark("grammar-benchmark", ["Grammars", "Tokenization", "TokenizerFiles"]),
  benchmark(
    "kvstore-benchmark",
    [
      "BlockCache", "Checksum", "GRPCCoreTransport", "KVStoreWire", "MeshProtos", "MeshRuntime",
      argumentParser, grpcCore, grpcProtobuf, protobuf,
    ]
  ),
  benchmark("scheduling-benchmark", ["BlockCache", "CAllocationCounter", "Scheduling"]),
  benchmark(
    "segment-benchmark",
    [
      argumentParser, "BlockCache", "Kernels", "ModelFiles", "SegmentStore", "Tokenization",
      "TokenizerFiles", "TokenizerService", "Transformer",
    ]
  ),
  benchmark(
    "kvstore-soak",
    [
      "BlockCache", "Checksum", "GRPCCoreTransport", "KVStoreWire", "MeshProtos", "MeshRuntime",
      argumentParser, grpcCore, protobuf, subprocess, systemPackage,
    ]
  ),
  benchmark(
    "transfer-benchmark",
    [
      argumentParser, "BlockCache", "GRPCCoreTransport", "KVStoreClient", "MeshProtos",
      "Scheduling", "TestSupport", grpcCore, logging, protobuf, subprocess, systemPackage,
    ]
  ),
]

let testTargets: [Target] = [
  .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: swiftSettings),
  .target(
    name: "CAllocationCounter",
    path: "Tests/CAllocationCounter",
    cSettings: kernelSettings
  ),
  .executableTarget(
    name: "step-probe",
    dependencies: [
      "CAllocationCounter", "Kernels", "MeshTypes", "ModelFiles", "TestSupport", "Transformer",
    ],
    path: "Tests/StepProbe",
    swiftSettings: swiftSettings
  ),
  .target(
    name: "ServiceTesting",
    dependencies: rpc + ["BlockCache", "Checksum", "KVStoreWire", "TestSupport", grpcProtobuf],
    path: "Tests/ServiceTesting",
    swiftSettings: swiftSettings
  ),
  tests("Architecture", [subprocess, systemPackage]),
  tests("BlockCache", ["BlockCache", "MeshTypes"]),
  tests("ChatTemplates", ["ChatTemplates", "MeshTypes"]),
  tests("Checksum", ["Checksum"]),
  tests("GRPCCoreTransport", ["GRPCCoreTransport", grpcCore]),
  tests("GatewayService", rpc + ["GatewayService", "ServiceTesting"]),
  tests(
    "KVStoreClient",
    rpc + [
      "BlockCache", "Checksum", "KVStoreClient", "KVStoreService", "KVStoreWire", "ServiceTesting",
    ]
  ),
  tests(
    "KVStoreService",
    rpc + [
      "BlockCache", "Checksum", "KVStoreService", "KVStoreWire", "SegmentStore", "ServiceTesting",
      "TieredStore", subprocess, systemPackage,
    ]
  ),
  tests(
    "KVStoreWire",
    rpc + ["BlockCache", "Checksum", "KVStoreWire", "ServiceTesting", grpcProtobuf]
  ),
  tests("Kernels", ["CKernels", "Kernels", "MeshTypes"]),
  tests("Mesh", rpc + ["WeftCLI", subprocess, systemPackage]),
  tests("MeshRuntime", rpc + ["ServiceTesting", argumentParser, grpcProtobuf]),
  tests("MeshTypes", ["MeshTypes"]),
  tests("Grammars", ["Grammars", "JSONText", "MeshTypes"]),
  tests("JSONText", ["JSONText", "MeshTypes"]),
  tests("ModelFiles", ["JSONText", "MeshTypes", "ModelFiles"]),
  tests("Scheduling", ["BlockCache", "MeshTypes", "Scheduling", subprocess, systemPackage]),
  tests(
    "SchedulerService",
    rpc + ["Scheduling", "SchedulerService", "ServiceTesting", grpcProtobuf]
  ),
  tests("Simulation", ["BlockCache", "MeshTypes", "Scheduling", "Simulation"]),
  tests("SegmentStore", ["BlockCache", "Checksum", "MeshTypes", "SegmentStore"]),
  tests("TieredStore", ["BlockCache", "Checksum", "MeshTypes", "TieredStore"]),
  tests("Tokenization", ["JSONText", "MeshTypes", "ModelFiles", "Tokenization"]),
  tests(
    "TokenizerService",
    rpc + [
      "ChatTemplates", "ModelFiles", "ServiceTesting", "Tokenization", "TokenizerFiles",
      "TokenizerService",
    ]
  ),
  tests(
    "Transformer",
    [
      "Kernels", "MeshTypes", "ModelFiles", "Transformer", subprocess, systemPackage,
    ]
  ),
  tests(
    "WeftCLI",
    ["BlockCache", "GRPCCoreTransport", "SegmentStore", subprocess, systemPackage, "WeftCLI"]
  ),
  tests(
    "WorkerService",
    rpc + [
      "BlockCache", "KVStoreClient", "KVStoreService", "KVStoreWire", "ServiceTesting",
      "Tokenization", "TokenizerFiles", "WorkerService",
    ]
  ),
]

let package = Package(
  name: "weft",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
    .package(
      url: "https://github.com/apple/swift-configuration.git",
      from: "1.4.0",
      traits: ["YAML"]
    ),
    .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-protobuf.git", from: "1.39.0", traits: []),
    .package(url: "https://github.com/apple/swift-system.git", from: "1.8.1"),
    .package(url: "https://github.com/grpc/grpc-swift-2.git", from: "2.4.3"),
    .package(url: "https://github.com/grpc/grpc-swift-protobuf.git", from: "2.4.1"),
    .package(
      url: "https://github.com/swift-server/swift-service-lifecycle.git",
      from: "2.13.0"
    ),
    .package(
      url: "https://github.com/swiftlang/swift-subprocess.git",
      from: "1.0.2",
      traits: []
    ),
  ],
  targets: floor0 + floor1 + floor2 + floor3 + floor4 + floor5 + floor6 + benchmarks + testTargets
)
