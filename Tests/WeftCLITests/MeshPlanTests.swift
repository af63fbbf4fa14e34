import GRPCCoreTransport
import Testing
import WeftCLI

@Suite("The plan of a mesh")
struct MeshPlanTests {
  private let plan = MeshPlan(
    model: "/models/a b.gguf",
    gateway: .tcp(host: "127.0.0.1", port: 7700),
    directory: "/run/weft",
    workerCount: 3,
    workerArguments: ["--threads", "1"],
    schedulerArguments: ["--speculative-tokens", "4"],
    commonArguments: ["--log-level", "debug"]
  )

  /// The value behind a flag.
  private func value(_ flag: String, of process: MeshPlan.Process) -> String? {
    guard let index = process.arguments.firstIndex(of: flag) else { return nil }
    return process.arguments.dropFirst(index + 1).first
  }

  @Test("starts what others need before those others, and as many workers as asked for")
  func order() {
    #expect(
      plan.processes.map(\.name)
        == ["tokenizer", "scheduler", "worker-1", "worker-2", "worker-3", "gateway"]
    )
    #expect(plan.processes.filter { $0.executable == "weft-worker" }.count == 3)
  }

  @Test("gives every process an address of its own, which it is told to listen at")
  func addresses() {
    #expect(Set(plan.processes.map(\.address)).count == plan.processes.count)
    for process in plan.processes {
      #expect(value("--listen", of: process) == "\(process.address)")
    }
    #expect(plan.gateway == .tcp(host: "127.0.0.1", port: 7700))
    #expect(plan.processes.last?.address == plan.gateway)
  }

  @Test("tells everyone where the others are")
  func connections() throws {
    let addresses = Dictionary(uniqueKeysWithValues: plan.processes.map { ($0.name, $0.address) })
    let scheduler = try #require(addresses["scheduler"])
    let tokenizer = try #require(addresses["tokenizer"])
    for process in plan.processes where process.executable == "weft-worker" {
      #expect(value("--scheduler", of: process) == "\(scheduler)")
      #expect(value("--worker-name", of: process) == process.name)
      #expect(value("--model", of: process) == "/models/a b.gguf")
      #expect(value("--threads", of: process) == "1")
    }
    let gateway = try #require(plan.processes.last)
    #expect(value("--scheduler", of: gateway) == "\(scheduler)")
    #expect(value("--tokenizer", of: gateway) == "\(tokenizer)")
  }

  @Test("with a KV store, tells the scheduler and all workers where it is, and workers the key")
  func store() throws {
    let plan = MeshPlan(
      model: "m",
      gateway: .tcp(host: "127.0.0.1", port: 7700),
      directory: "/run/weft",
      workerCount: 2,
      workerArguments: [],
      commonArguments: [],
      store: MeshPlan.Store(memoryMiB: 64, directory: "/var/kv", keyFile: "/run/weft/mesh.key")
    )
    let store = try #require(plan.processes.first { $0.executable == "weft-kvstore" })
    #expect(value("--memory-mib", of: store) == "64")
    #expect(value("--directory", of: store) == "/var/kv")
    #expect(value("--mesh-key-file", of: store) == nil)
    for process in plan.processes where process.name.hasPrefix("worker") {
      #expect(value("--kvstores", of: process) == "\(store.address)")
      #expect(value("--mesh-key-file", of: process) == "/run/weft/mesh.key")
    }
    let scheduler = try #require(plan.processes.first { $0.name == "scheduler" })
    #expect(value("--kvstores", of: scheduler) == "\(store.address)")
    #expect(value("--mesh-key-file", of: scheduler) == nil)
    #expect(!self.plan.processes.contains { $0.arguments.contains("--kvstores") })
  }

  @Test("gives common flags to all, workers' flags to workers and the scheduler's to it alone")
  func flags() {
    for process in plan.processes {
      #expect(value("--log-level", of: process) == "debug")
      #expect(process.arguments.contains("--threads") == (process.executable == "weft-worker"))
      #expect(
        process.arguments.contains("--speculative-tokens") == (process.name == "scheduler")
      )
    }
  }

  @Test("with several cells, deals the workers to the schedulers and tells the gateway of all")
  func cells() throws {
    let plan = MeshPlan(
      model: "m",
      gateway: .tcp(host: "127.0.0.1", port: 7700),
      directory: "/run/weft",
      cellCount: 2,
      workerCount: 3,
      workerArguments: [],
      commonArguments: []
    )
    #expect(
      plan.processes.map(\.name) == [
        "tokenizer", "scheduler-1", "scheduler-2", "worker-1", "worker-2", "worker-3", "gateway",
      ]
    )
    let schedulers = plan.processes.filter { $0.executable == "weft-scheduler" }.map(\.address)
    let workers = plan.processes.filter { $0.executable == "weft-worker" }
    #expect(
      workers.map { value("--scheduler", of: $0) }
        == [schedulers[0], schedulers[1], schedulers[0]].map { "\($0)" }
    )
    let gateway = try #require(plan.processes.last)
    #expect(value("--scheduler", of: gateway) == "\(schedulers[0]),\(schedulers[1])")
  }
}
