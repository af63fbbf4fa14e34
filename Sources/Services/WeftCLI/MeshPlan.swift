package import GRPCCoreTransport

/// The processes of a mesh on this machine, and the addresses at which they find each other.
package struct MeshPlan: Sendable {
  /// One process to start.
  package struct Process: Sendable, Hashable {
    /// Unique in the mesh: `worker-2`.
    package var name: String
    /// The executable's file name.
    package var executable: String
    package var arguments: [String]
    /// Where its health service answers.
    package var address: TransportAddress
  }

  /// The KV store of a mesh.
  package struct Store: Sendable, Hashable {
    /// Memory for blocks.
    package var memoryMiB: Int
    /// Where blocks outlive the mesh; nil: nowhere.
    package var directory: String?
    /// The file of the key with which workers recognise each other's blocks.
    package var keyFile: String

    /// A store in memory, and on disk if there is a directory.
    package init(memoryMiB: Int, directory: String?, keyFile: String) {
      self.memoryMiB = memoryMiB
      self.directory = directory
      self.keyFile = keyFile
    }
  }

  /// In starting order.
  package var processes: [Process]
  /// Where clients connect.
  package var gateway: TransportAddress

  /// Plans a mesh whose inner services listen on unix sockets in one private directory.
  ///
  /// - Parameters:
  ///   - model: The GGUF file or Hugging Face folder.
  ///   - gateway: Where clients connect.
  ///   - directory: An existing directory for the sockets.
  ///   - cellCount: Schedulers, at least 1; each has a part of the workers, dealt in turn.
  ///   - workerCount: Workers, at least as many as schedulers.
  ///   - workerArguments: Further flags for every worker.
  ///   - schedulerArguments: Further flags for the scheduler.
  ///   - commonArguments: Further flags for every process.
  ///   - store: The KV store; nil for none.
  package init(
    model: String,
    gateway: TransportAddress,
    directory: String,
    cellCount: Int = 1,
    workerCount: Int,
    workerArguments: [String],
    schedulerArguments: [String] = [],
    commonArguments: [String],
    store: Store? = nil
  ) {
    func socket(_ name: String) -> TransportAddress { .unix(path: "\(directory)/\(name).sock") }
    func process(
      _ name: String,
      _ executable: String,
      _ address: TransportAddress,
      _ arguments: [String]
    ) -> Process {
      Process(
        name: name,
        executable: executable,
        arguments: ["--listen", "\(address)"] + arguments + commonArguments,
        address: address
      )
    }
    let tokenizer = socket("tokenizer")
    let schedulers = (1...cellCount).map { cellCount == 1 ? "scheduler" : "scheduler-\($0)" }
    let kvstore = socket("kvstore")
    let stores = store == nil ? [] : ["--kvstores", "\(kvstore)"]
    self.gateway = gateway
    processes = [process("tokenizer", "weft-tokenizer", tokenizer, ["--model", model])]
    processes += schedulers.map {
      process($0, "weft-scheduler", socket($0), stores + schedulerArguments)
    }
    if let store {
      processes.append(process("kvstore", "weft-kvstore", kvstore, store.arguments))
    }
    processes += (1...workerCount).map { number in
      let scheduler = socket(schedulers[(number - 1) % cellCount])
      return process(
        "worker-\(number)",
        "weft-worker",
        socket("worker-\(number)"),
        [
          "--model", model, "--scheduler", "\(scheduler)", "--worker-name", "worker-\(number)",
        ] + stores + (store.map { ["--mesh-key-file", $0.keyFile] } ?? []) + workerArguments
      )
    }
    processes.append(
      process(
        "gateway",
        "weft-gateway",
        gateway,
        [
          "--tokenizer", "\(tokenizer)", "--scheduler",
          schedulers.map { "\(socket($0))" }.joined(separator: ","),
        ]
      )
    )
  }
}

extension MeshPlan {
  /// The flags with which `weft top` finds the services.
  var watchArguments: String {
    func addresses(_ executable: String) -> String {
      processes.filter { $0.executable == executable }.map { "\($0.address)" }
        .joined(separator: ",")
    }
    let stores = addresses("weft-kvstore")
    return "--scheduler \(addresses("weft-scheduler"))"
      + (stores.isEmpty ? "" : " --kvstores \(stores)")
  }
}

extension MeshPlan.Store {
  fileprivate var arguments: [String] {
    var arguments = ["--memory-mib", "\(memoryMiB)"]
    // A laptop's mesh is stopped often: what was computed shall be there the next time.
    if let directory { arguments += ["--directory", directory, "--disk-writes", "write-through"] }
    return arguments
  }
}
