import ArgumentParser
import Configuration
import GRPCCoreTransport
import Glibc
import Kernels
import MeshRuntime
import MeshTypes
import ModelFiles
import Scheduling

/// `weft up`: a whole mesh on this machine.
struct UpCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "up",
    abstract: "Run a whole mesh on this machine until Ctrl-C."
  )

  @Option(help: "The GGUF file or Hugging Face folder to serve (WEFT_MODEL).")
  var model: String?

  @Option(help: "Where clients connect (WEFT_LISTEN; default 127.0.0.1:7700).")
  var listen: String?

  @Option(help: "How many workers (WEFT_WORKERS; default 1).")
  var workers: Int?

  @Option(help: "How many schedulers, each with a part of the workers (WEFT_CELLS; default 1).")
  var cells: Int?

  @Option(help: "Compute threads of each worker (WEFT_THREADS).")
  var threads: Int?

  @Option(help: "KV memory of each worker in MiB (WEFT_KV_MEMORY_MIB).")
  var kvMemoryMib: Int?

  @Option(help: "Memory for each worker's weights in MiB (WEFT_WEIGHTS_MEMORY_MIB; default all).")
  var weightsMemoryMib: Int?

  @Option(help: "How keys and values stand in memory, f16 or q8 (WEFT_KV_DTYPE; default f16).")
  var kvDtype: String?

  @Option(help: "The most tokens guessed in a step; 0: none (WEFT_SPECULATIVE_TOKENS; default 8).")
  var speculativeTokens: Int?

  @Option(help: "Memory of the KV store in MiB; 0: no store (WEFT_STORE_MEMORY_MIB; default 512).")
  var storeMemoryMib: Int?

  @Option(help: "Where the KV store keeps blocks on disk (WEFT_STORE_DIRECTORY; default nowhere).")
  var storeDirectory: String?

  @Option(help: "What to ask for the first answer; empty asks nothing.")
  var ask = "What is the capital of Japan?"

  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await reportingStatus { try await runMesh() }
  }

  private func runMesh() async throws {
    // Ready lines and the answer are what a user wants to see; services log their own trouble.
    if common.logLevel == nil { setenv("WEFT_LOG_LEVEL", "notice", 0) }
    let (settings, logger) = try await common.prepare(
      service: "weft",
      flags: [
        "model": model.map { .string($0) }, "listen": listen.map { .string($0) },
        "workers": workers.map { .int($0) }, "cells": cells.map { .int($0) },
        "threads": threads.map { .int($0) },
        "weights-memory-mib": weightsMemoryMib.map { .int($0) },
        "kv-memory-mib": kvMemoryMib.map { .int($0) }, "kv-dtype": kvDtype.map { .string($0) },
        "speculative-tokens": speculativeTokens.map { .int($0) },
        "store-memory-mib": storeMemoryMib.map { .int($0) },
        "store-directory": storeDirectory.map { .string($0) },
      ]
    )
    let gateway = try await settings.address("listen") ?? .tcp(host: "127.0.0.1", port: 7700)
    if case .tcp(_, port: 0) = gateway {
      // Whatever port it got, neither we nor clients would know where to ask.
      throw MeshError.invalid("listen", "must have a port in 1...65535, got \(gateway)")
    }
    let model = try await ModelSettings(settings).path
    let workerCount = try await settings.integer("workers", in: 1...64) ?? 1
    let cellCount = try await settings.integer("cells", in: 1...8) ?? 1
    guard cellCount <= workerCount else {
      throw MeshError.invalid(
        "cells",
        "must be at most \(workerCount), the number of workers, got \(cellCount)"
      )
    }
    let workerArguments = try await workerArguments(settings)
    let schedulerArguments = try await schedulerArguments(settings)
    let storeMemory = try await settings.integer("store-memory-mib", in: 0...1 << 22) ?? 512
    let storeDirectory = try await settings.text("store-directory").map { directory in
      String(directory.reversed().drop { $0 == "/" }.reversed())
    }
    let executables = try Self.executableDirectory()
    // A file that cannot be served is better refused here than by every service that starts.
    _ = try openModel(at: model)
    // Nothing that can fail may stand between making the directory and seeing to its removal.
    let directory = try SocketDirectory()
    let store =
      storeMemory > 0
      ? MeshPlan.Store(
        memoryMiB: storeMemory,
        directory: storeDirectory,
        keyFile: storeDirectory.map { "\($0).key" } ?? directory.keyFile
      ) : nil
    let plan = MeshPlan(
      model: model,
      gateway: gateway,
      directory: directory.path,
      cellCount: cellCount,
      workerCount: workerCount,
      workerArguments: workerArguments,
      schedulerArguments: schedulerArguments,
      commonArguments: commonArguments,
      store: store
    )
    defer { directory.remove(plan) }
    if let store { try MeshKey.prepare(store.keyFile) }
    let supervisor = MeshSupervisor(plan: plan, executables: executables, logger: logger)
    let welcome = MeshWelcome(plan: plan, question: ask)
    try await MeshProcess.run([supervisor, welcome], logger: logger)
  }

  private func workerArguments(_ settings: SettingsReader) async throws -> [String] {
    var arguments: [String] = []
    for name in ["threads", "kv-memory-mib", "weights-memory-mib"] {
      if let value = try await settings.integer(name, in: 1...(1 << 24)) {
        arguments += ["--\(name)", "\(value)"]
      }
    }
    let type: KVType? = try await settings.choice("kv-dtype")
    if let type { arguments += ["--kv-dtype", type.rawValue] }
    return arguments
  }

  private func schedulerArguments(_ settings: SettingsReader) async throws -> [String] {
    let tokens = try await settings.integer(
      "speculative-tokens",
      in: 0...SchedulerSettings.draftTokensLimit
    )
    return tokens.map { ["--speculative-tokens", "\($0)"] } ?? []
  }

  private var commonArguments: [String] {
    // Ctrl-C means now: nobody is left to read what running calls would still say.
    var arguments = ["--shutdown-grace-seconds", "\(common.shutdownGraceSeconds ?? 0)"]
    if let config = common.config { arguments += ["--config", config] }
    if let level = common.logLevel { arguments += ["--log-level", level] }
    if let format = common.logFormat { arguments += ["--log-format", format] }
    return arguments
  }

  private static func executableDirectory() throws(MeshError) -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    let path = String(
      decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) },
      as: UTF8.self
    )
    guard let slash = path.lastIndex(of: "/") else {
      throw MeshError(.internalError, "cannot find the directory of this executable")
    }
    return String(path[..<slash])
  }
}
