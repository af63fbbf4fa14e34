import Kernels
import MeshTypes
import Testing
import WorkerService

@Suite("Where a worker's threads run and its memory lies")
struct ThreadPlanTests {
  private func plan(
    _ tree: MachineTree,
    threads: Int,
    _ pinning: ThreadPinning = .auto
  ) throws -> ThreadPlan {
    let topology = try tree.with { CPUTopology($0) }
    return try ThreadPlan(threadCount: threads, pinning: pinning, topology: topology)
  }

  private static var twoNodes: MachineTree {
    var tree = MachineTree(nodes: ["0-3", "4-7"], online: "0-7", allowed: "0-7")
    tree["/sys/devices/system/node/node0/meminfo"] = "Node 0 MemFree: 100 kB"
    tree["/sys/devices/system/node/node1/meminfo"] = "Node 1 MemFree: 200 kB"
    return tree
  }

  @Test("CPUs that others may use too are not pinned to, unless told")
  func shared() throws {
    #expect(try plan(MachineTree(), threads: 4).pins == nil)
    #expect(try plan(MachineTree(allowed: "0-2"), threads: 2).pins == nil)
    #expect(try plan(MachineTree(), threads: 4, .off).pins == nil)
    #expect(try plan(MachineTree(), threads: 2, .on).pins == [0, 1])
  }

  @Test("CPUs that are the worker's own are pinned to, cores before hyper-threads")
  func own() throws {
    #expect(try plan(MachineTree(allowed: "1-2"), threads: 2).pins == [1, 2])
    #expect(try plan(MachineTree(allowed: "1-2"), threads: 2, .off).pins == nil)
    let threads = MachineTree(
      siblings: [[0, 1], [2, 3], [4, 5]],
      online: "0-5",
      allowed: "0-3"
    )
    #expect(try plan(threads, threads: 4).pins == [0, 2, 1, 3])
    #expect(try plan(threads, threads: 2, .on).pins == [0, 2])
  }

  @Test("more threads than CPUs cannot be pinned")
  func tooMany() throws {
    #expect(try plan(MachineTree(), threads: 5).pins == nil)
    let error = #expect(throws: MeshError.self) { _ = try plan(MachineTree(), threads: 5, .on) }
    #expect(error?.field == "pin-threads")
  }

  @Test("on one node all stays as it is")
  func oneNode() throws {
    let plan = try plan(MachineTree(), threads: 2)
    #expect(plan.memory == .anywhere)
    #expect(plan.processCPUs == nil)
  }

  @Test("threads that fit into a node stay there with their memory, where most of it is free")
  func fits() throws {
    for threads in [1, 4] {
      let plan = try plan(Self.twoNodes, threads: threads)
      #expect(plan.memory == .near(node: 1))
      #expect(plan.processCPUs == [4, 5, 6, 7])
      #expect(plan.pins == nil)
    }
    #expect(try plan(Self.twoNodes, threads: 2, .on).pins == [4, 5])
  }

  @Test("threads that do not fit into a node have memory of all of them")
  func interleaved() throws {
    let plan = try plan(Self.twoNodes, threads: 5)
    #expect(plan.memory == .interleaved(nodes: [0, 1]))
    #expect(plan.processCPUs == nil)
  }

  @Test("a process confined to one node of two needs nothing")
  func confined() throws {
    var tree = Self.twoNodes
    tree.files["/proc/self/status"] = "Cpus_allowed_list:\t0-3\n"
    let plan = try plan(tree, threads: 4)
    #expect(plan.memory == .anywhere)
    #expect(plan.pins == [0, 1, 2, 3])
  }

  @Test("a node that has gone offline is not chosen")
  func offline() throws {
    var tree = Self.twoNodes
    tree["/sys/devices/system/cpu/online"] = "0-3"
    #expect(try plan(tree, threads: 2).memory == .anywhere)
  }
}
