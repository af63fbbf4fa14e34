/// The CPUs that this process may use, with the cores and memory nodes that they belong to.
package struct CPUTopology: Hashable, Sendable {
  /// A CPU as the kernel counts them: a core has several of them where it has hyper-threads.
  package struct CPU: Hashable, Sendable {
    package var id: Int
    /// The lowest CPU of its core.
    package var core: Int
    /// The memory node that it is near to.
    package var node: Int
  }

  /// In the order of ids.
  package var cpus: [CPU]
  /// CPUs of the machine that are online, whoever may use them.
  package var onlineCount: Int
  /// Memory that is free on each node, in bytes.
  package var freeBytes: [Int: Int] = [:]

  /// The nodes that the CPUs are near to, in order.
  package var nodes: [Int] { Set(cpus.map(\.node)).sorted() }

  /// Reads it. A machine that says nothing has one CPU.
  package init(_ files: SystemFiles) {
    let online = files.line("/sys/devices/system/cpu/online").flatMap(KernelText.list)
    let allowed = files.text("/proc/self/status")
      .flatMap { KernelText.words(after: "Cpus_allowed_list:", in: $0)?.first }
      .flatMap { KernelText.list($0) }
    let usable = Set(allowed ?? online ?? [0]).intersection(online ?? allowed ?? [0])
    let nodes = files.line("/sys/devices/system/node/online").flatMap(KernelText.list) ?? []
    var nodeOfCPU: [Int: Int] = [:]
    for node in nodes {
      let directory = "/sys/devices/system/node/node\(node)"
      for cpu in files.line("\(directory)/cpulist").flatMap(KernelText.list) ?? [] {
        nodeOfCPU[cpu] = node
      }
      freeBytes[node] = files.text("\(directory)/meminfo").flatMap { Self.freeBytes($0) }
    }
    cpus = (usable.isEmpty ? [0] : usable.sorted()).map { id in
      let siblings = files.line("/sys/devices/system/cpu/cpu\(id)/topology/thread_siblings_list")
      let core = siblings.flatMap(KernelText.list)?.min() ?? id
      return CPU(id: id, core: core, node: nodeOfCPU[id] ?? 0)
    }
    onlineCount = max(online?.count ?? 0, cpus.count)
  }

  /// From a node's `meminfo`: lines such as `Node 0 MemFree:  123 kB`.
  private static func freeBytes(_ text: String) -> Int? {
    let lines = text.split(separator: "\n").map { line in
      line.split(separator: " ").dropFirst(2).joined(separator: " ")
    }
    return KernelText.number(after: "MemFree:", in: lines.joined(separator: "\n"))
  }

  /// CPUs in the order in which threads should have them: one of each core before any core's second.
  package static func coresFirst(_ cpus: [CPU]) -> [CPU] {
    var taken: [Int: Int] = [:]
    let ranked = cpus.map { cpu -> (rank: Int, cpu: CPU) in
      defer { taken[cpu.core, default: 0] += 1 }
      return (taken[cpu.core] ?? 0, cpu)
    }
    return ranked.sorted { ($0.rank, $0.cpu.id) < ($1.rank, $1.cpu.id) }.map(\.cpu)
  }
}
