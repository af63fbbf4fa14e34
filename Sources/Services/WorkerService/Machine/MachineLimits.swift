/// What this machine, its control groups and its affinity mask let the process use, as it is now.
package struct MachineLimits: Sendable {
  package var topology: CPUTopology
  /// CPUs' worth of time; nil without a quota.
  package var cpuQuota: Double?
  package var memory: [MemoryLimit]

  /// Reads it.
  package init(_ files: SystemFiles = SystemFiles()) {
    topology = CPUTopology(files)
    cpuQuota = CPUQuota.cpus(files)
    memory = MemoryLimit.all(files)
  }

  /// One thread for each CPU that it may use, and no more than its quota keeps busy.
  package var threadCount: Int {
    let quota = cpuQuota.map { Int(min($0.rounded(.up), 1e6)) } ?? .max
    return max(1, min(topology.cpus.count, quota, 256))
  }
}
