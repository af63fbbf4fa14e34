/// How much CPU time control groups allow.
package enum CPUQuota {
  /// CPUs' worth of time, the smallest of all groups; nil without a quota.
  package static func cpus(_ files: SystemFiles) -> Double? {
    ControlGroups(files.text("/proc/self/cgroup") ?? "").groups(of: "cpu").compactMap { group in
      group.isUnified
        ? files.line("\(group.path)/cpu.max").flatMap(unified)
        : legacy(
          quota: files.line("\(group.path)/cpu.cfs_quota_us"),
          period: files.line("\(group.path)/cpu.cfs_period_us")
        )
    }.min()
  }

  /// From `cpu.max`: a quota, or `max`, and a period.
  private static func unified(_ text: String) -> Double? {
    let words = text.split(separator: " ")
    guard words.count == 2, let quota = Double(words[0]), let period = Double(words[1]),
      quota > 0, period > 0
    else { return nil }
    return quota / period
  }

  private static func legacy(quota: String?, period: String?) -> Double? {
    guard let quota = quota.flatMap(Double.init), let period = period.flatMap(Double.init),
      quota > 0, period > 0
    else { return nil }
    return quota / period
  }
}
