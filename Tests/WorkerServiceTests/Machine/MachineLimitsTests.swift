import Testing
import WorkerService

@Suite("What control groups and the machine let a worker use")
struct MachineLimitsTests {
  private static let mebibyte = 1 << 20
  private static let unified = "/sys/fs/cgroup"

  private func limits(_ change: (inout MachineTree) -> Void) throws -> MachineLimits {
    var tree = MachineTree()
    tree["/proc/meminfo"] = "MemTotal: 8192000 kB\nMemFree: 1 kB\nMemAvailable: 4096000 kB"
    change(&tree)
    return try tree.with { MachineLimits($0) }
  }

  @Test("without groups: all CPUs, and what the machine has")
  func machine() throws {
    let limits = try limits { _ in }
    #expect(limits.threadCount == 4)
    #expect(limits.cpuQuota == nil)
    #expect(limits.memory.map(\.limitBytes) == [8_192_000 << 10])
    #expect(limits.memory.map(\.usedBytes) == [4_096_000 << 10])
  }

  @Test("a quota of CPU time, rounded up, of the process's group or one around it")
  func quota() throws {
    for (own, parent, threads) in [
      ("150000 100000", nil, 2), ("max 100000", nil, 4), ("10000 100000", nil, 1),
      ("max 100000", "300000 100000", 3), ("400000 100000", "150000 100000", 2),
      ("nonsense", nil, 4), ("0 0", nil, 4), ("1e99 1", nil, 4),
    ] as [(String, String?, Int)] {
      let limits = try limits {
        $0["/proc/self/cgroup"] = "0::/pod/worker"
        $0["\(Self.unified)/pod/worker/cpu.max"] = own
        $0["\(Self.unified)/pod/cpu.max"] = parent
      }
      #expect(limits.threadCount == threads, "\(own), \(parent ?? "")")
    }
  }

  @Test("version 1 has a file for the quota and one for the period")
  func legacyQuota() throws {
    for (quota, threads) in [("250000", 3), ("-1", 4)] {
      let limits = try limits {
        $0["/proc/self/cgroup"] = "3:cpu,cpuacct:/docker/x\n0::/"
        $0["/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us"] = quota
        $0["/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us"] = "100000"
      }
      #expect(limits.threadCount == threads)
    }
  }

  @Test("memory: the group's limit, less what is in use and is no cache")
  func memory() throws {
    let limits = try limits {
      $0["/proc/self/cgroup"] = "0::/worker"
      $0["\(Self.unified)/worker/memory.max"] = "\(512 * Self.mebibyte)"
      $0["\(Self.unified)/worker/memory.high"] = "max"
      $0["\(Self.unified)/worker/memory.current"] = "\(300 * Self.mebibyte)"
      $0["\(Self.unified)/worker/memory.stat"] =
        "anon 1\ninactive_file \(90 * Self.mebibyte)\nactive_file \(10 * Self.mebibyte)"
      $0.files["/proc/self/status"] = "RssFile:\t   20480 kB\nCpus_allowed_list:\t0-3\n"
    }
    #expect(limits.memory.count == 2)
    let group = limits.memory.last
    #expect(group?.limitBytes == 512 * Self.mebibyte)
    // Mapped files are cache to the kernel, and needed all the same.
    #expect(group?.usedBytes == 220 * Self.mebibyte)
    #expect(group?.name.contains("/sys/fs/cgroup/worker") == true)
    #expect(group?.room(share: 0.5) == 36 * Self.mebibyte)
  }

  @Test("groups around the process limit it too, and memory.high as memory.max")
  func ancestors() throws {
    let limits = try limits {
      $0["/proc/self/cgroup"] = "0::/a/b"
      $0["\(Self.unified)/a/b/memory.max"] = "max"
      $0["\(Self.unified)/a/b/memory.current"] = "1"
      $0["\(Self.unified)/a/memory.max"] = "3000000"
      $0["\(Self.unified)/a/memory.high"] = "2000000"
      $0["\(Self.unified)/a/memory.current"] = "500000"
    }
    #expect(limits.memory.map(\.limitBytes) == [8_192_000 << 10, 2_000_000])
  }

  @Test("version 1, in a container that sees its group at the root; no limit is a huge one")
  func legacyMemory() throws {
    let limits = try limits {
      $0["/proc/self/cgroup"] = "4:memory:/docker/0123\n0::/"
      $0["/sys/fs/cgroup/memory/memory.limit_in_bytes"] = "1000000"
      $0["/sys/fs/cgroup/memory/memory.usage_in_bytes"] = "600000"
      $0["/sys/fs/cgroup/memory/memory.stat"] = "total_inactive_file 100000\ninactive_file 1"
    }
    #expect(limits.memory.map(\.limitBytes) == [8_192_000 << 10, 1_000_000])
    #expect(limits.memory.last?.usedBytes == 500_000)
    let unlimited = try self.limits {
      $0["/proc/self/cgroup"] = "4:memory:/"
      $0["/sys/fs/cgroup/memory/memory.limit_in_bytes"] = "9223372036854771712"
      $0["/sys/fs/cgroup/memory/memory.usage_in_bytes"] = "600000"
    }
    #expect(unlimited.memory.count == 1)
  }

  @Test("this machine can be read")
  func real() {
    let limits = MachineLimits()
    #expect(limits.threadCount >= 1)
    #expect(limits.memory.first.map { $0.limitBytes > 0 && $0.usedBytes > 0 } == true)
  }
}
