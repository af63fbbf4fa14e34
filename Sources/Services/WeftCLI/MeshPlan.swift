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

  /// In starting order.
  package var processes: [Process]
  /// Where clients connect.
  package var gateway: TransportAddress

  /// Plans a mesh whose inner services listen on unix sockets in one private directory.
  ///
  /// - Parameters:
  ///   - model: The GGUF file.
  ///   - gateway: Where clients connect.
  ///   - directory: An existing directory for the sockets.
  ///   - workerCount: Workers, at least 1.
  ///   - workerArguments: Further flags for every worker.
  ///   - commonArguments: Further flags for every process.
  package init(
    model: String,
    gateway: TransportAddress,
    directory: String,
    workerCount: Int,
    workerArguments: [String],
    commonArguments: [String]
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
    let scheduler = socket("scheduler")
    self.gateway = gateway
    processes = [
      process("tokenizer", "weft-tokenizer", tokenizer, ["--model", model]),
      process("scheduler", "weft-scheduler", scheduler, []),
    ]
    processes += (1...workerCount).map { number in
      process(
        "worker-\(number)",
        "weft-worker",
        socket("worker-\(number)"),
        [
          "--model", model, "--scheduler", "\(scheduler)", "--worker-name", "worker-\(number)",
        ] + workerArguments
      )
    }
    processes.append(
      process(
        "gateway",
        "weft-gateway",
        gateway,
        ["--tokenizer", "\(tokenizer)", "--scheduler", "\(scheduler)"]
      )
    )
  }
}
