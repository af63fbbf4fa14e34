import FoundationEssentials
package import Kernels
package import MeshTypes

/// Whether each compute thread stays on a CPU of its own.
package enum ThreadPinning: String, CaseIterable, Sendable {
  /// If the CPUs that the process may use were given to it alone, as it seems: they are fewer than the
  /// machine has, and just as many as threads. Two workers that may use the same CPUs would otherwise
  /// choose the same ones.
  case auto
  case on
  case off
}

/// Where a worker's threads run and its memory lies.
package struct ThreadPlan: Hashable, Sendable {
  /// The CPU of each thread, cores before hyper-threads; nil: the system decides.
  package private(set) var pins: [Int]?
  /// The CPUs that all of the process's threads are confined to; nil: as it started.
  package private(set) var processCPUs: [Int]?
  /// Where memory is taken from.
  package private(set) var memory: MemoryPlacement

  /// Keeps threads and memory on one node if the node has a CPU for each thread, the one with the most
  /// free memory, so that a second worker takes another; spreads memory over all nodes if not.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` if there are fewer CPUs than threads to pin.
  package init(
    threadCount: Int,
    pinning: ThreadPinning,
    topology: CPUTopology
  ) throws(MeshError) {
    var cpus = topology.cpus
    memory = .anywhere
    if topology.nodes.count > 1 {
      let roomy = topology.nodes.filter { node in
        topology.cpus.count { $0.node == node } >= threadCount
      }
      let best = roomy.max {
        (topology.freeBytes[$0] ?? 0, $1) < (topology.freeBytes[$1] ?? 0, $0)
      }
      if let best {
        cpus = topology.cpus.filter { $0.node == best }
        processCPUs = cpus.map(\.id)
        memory = .near(node: best)
      } else {
        memory = .interleaved(nodes: topology.nodes)
      }
    }
    let isAlone =
      topology.cpus.count == threadCount && topology.cpus.count < topology.onlineCount
    guard pinning == .on || pinning == .auto && isAlone else { return }
    guard cpus.count >= threadCount else {
      throw .invalid(
        "pin-threads",
        "on takes a CPU for each thread: the process may use \(cpus.count), threads are \(threadCount)"
      )
    }
    pins = CPUTopology.coresFirst(cpus).prefix(threadCount).map(\.id)
  }

  /// Confines the process's threads, those to come with them, and says where memory is taken from now
  /// on.
  func apply() {
    if let processCPUs {
      let threads = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")
      for thread in (threads ?? []).compactMap({ Int32($0) }) {
        ThreadPlacement.confine(thread: thread, to: processCPUs)
      }
    }
    memory.apply()
  }
}
