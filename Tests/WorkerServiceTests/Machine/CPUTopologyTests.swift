import Testing
import WorkerService

@Suite("The CPUs that a worker may use")
struct CPUTopologyTests {
  private func topology(_ tree: MachineTree) throws -> CPUTopology {
    try tree.with { CPUTopology($0) }
  }

  @Test("one node: each CPU a core of its own")
  func oneNode() throws {
    let topology = try topology(MachineTree())
    #expect(topology.cpus.map(\.id) == [0, 1, 2, 3])
    #expect(topology.cpus.map(\.core) == [0, 1, 2, 3])
    #expect(topology.nodes == [0])
    #expect(topology.onlineCount == 4)
  }

  @Test("two nodes with hyper-threads, and the memory that is free there")
  func twoNodes() throws {
    var tree = MachineTree(
      nodes: ["0-1,4-5", "2-3,6-7"],
      siblings: [[0, 4], [1, 5], [2, 6], [3, 7]],
      online: "0-7",
      allowed: "0-7"
    )
    tree["/sys/devices/system/node/node1/meminfo"] =
      "Node 1 MemTotal:  2000 kB\nNode 1 MemFree:   1000 kB"
    let topology = try topology(tree)
    #expect(topology.nodes == [0, 1])
    #expect(topology.cpus.map(\.node) == [0, 0, 1, 1, 0, 0, 1, 1])
    #expect(topology.freeBytes == [1: 1_024_000])
    #expect(CPUTopology.coresFirst(topology.cpus).map(\.id) == [0, 1, 2, 3, 4, 5, 6, 7])
    let second = topology.cpus.filter { $0.node == 1 }
    #expect(CPUTopology.coresFirst(second).map(\.id) == [2, 3, 6, 7])
  }

  @Test("hyper-threads that are neighbours: one of each core comes first")
  func neighbours() throws {
    let tree = MachineTree(siblings: [[0, 1], [2, 3]])
    #expect(CPUTopology.coresFirst(try topology(tree).cpus).map(\.id) == [0, 2, 1, 3])
  }

  @Test("CPUs that are offline, or not for this process, do not count")
  func restricted() throws {
    let offline = try topology(MachineTree(online: "0,2-3", allowed: "0-3"))
    #expect(offline.cpus.map(\.id) == [0, 2, 3])
    #expect(offline.onlineCount == 3)
    let confined = try topology(MachineTree(allowed: "1,3"))
    #expect(confined.cpus.map(\.id) == [1, 3])
    #expect(confined.onlineCount == 4)
    // Nothing at both: what the process may use cannot be nothing.
    #expect(try topology(MachineTree(online: "0-1", allowed: "2-3")).cpus.map(\.id) == [0])
  }

  @Test("a machine that says nothing, or nonsense, has one CPU")
  func nonsense() throws {
    var empty = MachineTree()
    empty.files = [:]
    #expect(try topology(empty).cpus.map(\.id) == [0])
    #expect(try topology(empty).nodes == [0])
    for text in ["", "x", "3-1", "0-", "-1", "0-99999999999", "1-2-3"] {
      let cpus = try topology(MachineTree(online: text, allowed: text)).cpus
      #expect(cpus.map(\.id) == [0], "\(text)")
    }
  }
}
