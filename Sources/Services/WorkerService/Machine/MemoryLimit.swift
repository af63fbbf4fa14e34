/// A bound on memory, and how much of it is taken: that of the machine or of a control group.
package struct MemoryLimit: Hashable, Sendable {
  /// What sets it, for messages.
  package var name: String
  package var limitBytes: Int
  /// Taken by whomever, this process included; what the kernel can drop and read again is not.
  package var usedBytes: Int

  package init(name: String, limitBytes: Int, usedBytes: Int) {
    self.name = name
    self.limitBytes = limitBytes
    self.usedBytes = usedBytes
  }

  /// What is left of a share of it.
  package func room(share: Double) -> Int { Int(Double(limitBytes) * share) - usedBytes }

  /// All limits of this process: the machine's first.
  package static func all(_ files: SystemFiles) -> [MemoryLimit] {
    // Files that this process maps are cache to the kernel, but the process needs them in memory.
    let status = files.text("/proc/self/status") ?? ""
    let mappedBytes = KernelText.number(after: "RssFile:", in: status) ?? 0
    let machine = machine(files.text("/proc/meminfo") ?? "", mappedBytes: mappedBytes)
    let groups = ControlGroups(files.text("/proc/self/cgroup") ?? "").groups(of: "memory")
    let limited = groups.compactMap { group -> MemoryLimit? in
      let figures = group.isUnified ? unified(group, files) : legacy(group, files)
      return figures.map {
        MemoryLimit(
          name: "the control group \(group.path)",
          limitBytes: $0.limit,
          usedBytes: max(0, $0.used - $0.cache) + mappedBytes
        )
      }
    }
    // A group without a limit says so with a number beyond all memory.
    let bound = machine?.limitBytes ?? .max
    return (machine.map { [$0] } ?? []) + limited.filter { $0.limitBytes < bound }
  }

  /// From `/proc/meminfo`.
  private static func machine(_ text: String, mappedBytes: Int) -> MemoryLimit? {
    guard let total = KernelText.number(after: "MemTotal:", in: text),
      let available = KernelText.number(after: "MemAvailable:", in: text)
    else { return nil }
    return MemoryLimit(
      name: "the machine",
      limitBytes: total,
      usedBytes: max(0, total - available) + mappedBytes
    )
  }

  private static func unified(
    _ group: ControlGroups.Group,
    _ files: SystemFiles
  ) -> (limit: Int, used: Int, cache: Int)? {
    // Above memory.high the kernel slows a process down until it stands still.
    let limits = ["memory.max", "memory.high"].compactMap { name in
      files.line("\(group.path)/\(name)").flatMap { Int($0) }
    }
    guard let limit = limits.min(),
      let used = files.line("\(group.path)/memory.current").flatMap({ Int($0) })
    else { return nil }
    let statistics = files.text("\(group.path)/memory.stat") ?? ""
    return (limit, used, cache(["inactive_file", "active_file"], statistics))
  }

  private static func legacy(
    _ group: ControlGroups.Group,
    _ files: SystemFiles
  ) -> (limit: Int, used: Int, cache: Int)? {
    guard
      let limit = files.line("\(group.path)/memory.limit_in_bytes").flatMap({ Int($0) }),
      let used = files.line("\(group.path)/memory.usage_in_bytes").flatMap({ Int($0) })
    else { return nil }
    let statistics = files.text("\(group.path)/memory.stat") ?? ""
    return (limit, used, cache(["total_inactive_file", "total_active_file"], statistics))
  }

  private static func cache(_ names: [String], _ statistics: String) -> Int {
    names.reduce(0) { $0 + (KernelText.number(after: $1, in: statistics) ?? 0) }
  }
}
