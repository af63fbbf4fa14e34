import GRPCCore
import GRPCCoreTransport
import Glibc
import MeshProtos
import MeshRuntime
import Subprocess
import Synchronization
import SystemPackage
import TestSupport
import WeftCLI

/// A whole mesh of real processes on the real model, its inner services on unix sockets.
///
/// Everything is taken down when `with` returns, however it returns.
final class TestMesh: Sendable {
  let plan: MeshPlan
  private let model: String
  private let workerArguments: [String]
  private let pids = Mutex<[String: pid_t]>([:])
  private let launches: AsyncStream<MeshPlan.Process>.Continuation

  var gateway: TransportAddress { plan.gateway }

  /// The schedulers, one a cell.
  var schedulers: [TransportAddress] {
    plan.processes.filter { $0.executable == "weft-scheduler" }.map(\.address)
  }

  private init(
    plan: MeshPlan,
    model: String,
    workerArguments: [String],
    launches: AsyncStream<MeshPlan.Process>.Continuation
  ) {
    self.plan = plan
    self.model = model
    self.workerArguments = workerArguments
    self.launches = launches
  }

  /// The KV store of a mesh under test.
  enum Store {
    case none
    case memory
    /// In a directory that outlives the mesh, with the mesh's key beside it. Memory holds few blocks.
    case disk(directory: String)
  }

  /// Starts a mesh, waits until its workers have joined, and runs `body`.
  static func with<Result: Sendable>(
    cells: Int = 1,
    workers: Int = 1,
    workerArguments: [String] = [],
    schedulerArguments: [String] = [],
    store: Store = .none,
    _ body: @escaping @Sendable (TestMesh) async throws -> Result
  ) async throws -> Result {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    var plan = MeshPlan(
      model: DefaultModel.path,
      gateway: .unix(path: "\(directory.path)/gateway.sock"),
      directory: directory.path,
      cellCount: cells,
      workerCount: workers,
      workerArguments: workerArguments,
      commonArguments: ["--log-level", "warning", "--shutdown-grace-seconds", "0"],
      store: try store.plan(in: directory)
    )
    for index in plan.processes.indices where plan.processes[index].executable == "weft-scheduler" {
      plan.processes[index].arguments += schedulerArguments
    }
    let (processes, launches) = AsyncStream.makeStream(of: MeshPlan.Process.self)
    let mesh = TestMesh(
      plan: plan,
      model: DefaultModel.path,
      workerArguments: workerArguments,
      launches: launches
    )
    return try await withThrowingTaskGroup(of: Void.self) { group in
      for process in mesh.plan.processes { launches.yield(process) }
      group.addTask {
        await withDiscardingTaskGroup { children in
          for await process in processes {
            children.addTask { await mesh.run(process) }
          }
          children.cancelAll()
        }
      }
      defer { launches.finish() }
      try await mesh.waitForWorkers(workers)
      return try await body(mesh)
    }
  }

  /// Starts one more worker; returns when it has joined.
  func addWorker(named name: String, role: String? = nil) async throws {
    let workers = try await status().workers.count
    let first = plan.processes.first { $0.executable == "weft-worker" }
    guard var process = first, case .unix(let path) = process.address else { return }
    let socket = TransportAddress.unix(path: path.replacing(process.name, with: name))
    process.arguments = process.arguments.map {
      $0 == process.name ? name : $0 == "\(process.address)" ? "\(socket)" : $0
    }
    if let role { process.arguments += ["--worker-role", role] }
    process.name = name
    process.address = socket
    launches.yield(process)
    try await waitForWorkers(workers + 1)
  }

  /// Starts a process again that has ended.
  func startAgain(_ name: String) {
    if let process = plan.processes.first(where: { $0.name == name }) { launches.yield(process) }
  }

  /// The KV store's own view.
  func storeStatus() async throws -> Weft_Kvstore_V1_GetStatusResponse {
    let store = plan.processes.first { $0.executable == "weft-kvstore" }
    return try await withClient(store?.address ?? gateway) { client in
      try await Weft_Kvstore_V1_KVStoreService.Client(wrapping: client)
        .getStatus(.init(), options: .waiting)
    }
  }

  /// Asks the KV store for its status until it is as `condition` wants, for at most a minute.
  func waitForStore(
    _ condition: @escaping @Sendable (Weft_Kvstore_V1_GetStatusResponse) -> Bool
  ) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while try await !condition(storeStatus()) {
      guard ContinuousClock.now < deadline else { throw TimedOut(status: try await status()) }
    }
  }

  /// Sends a signal to one process.
  func signal(_ signal: Int32, _ name: String) {
    if let pid = pids.withLock({ $0[name] }) { kill(pid, signal) }
  }

  /// Sends a signal to every process.
  func signalAll(_ signal: Int32) {
    for process in plan.processes { self.signal(signal, process.name) }
  }

  /// The view of all schedulers together.
  func status() async throws -> Weft_Scheduler_V1_GetStatusResponse {
    var sum = Weft_Scheduler_V1_GetStatusResponse()
    for address in schedulers { sum.add(try await status(of: address)) }
    return sum
  }

  /// One scheduler's view.
  func status(of address: TransportAddress) async throws -> Weft_Scheduler_V1_GetStatusResponse {
    try await withClient(address) { client in
      try await Weft_Scheduler_V1_SchedulerService.Client(wrapping: client)
        .getStatus(.init(), options: .waiting)
    }
  }

  /// Asks for the status until it is as `condition` wants, for at most a minute.
  func waitForStatus(
    _ condition: @escaping @Sendable (Weft_Scheduler_V1_GetStatusResponse) -> Bool
  ) async throws {
    try await wait(condition) { try await self.status() }
  }

  /// Asks one scheduler likewise.
  func wait(
    for scheduler: TransportAddress,
    _ condition: @escaping @Sendable (Weft_Scheduler_V1_GetStatusResponse) -> Bool
  ) async throws {
    try await wait(condition) { try await self.status(of: scheduler) }
  }

  private func wait(
    _ condition: (Weft_Scheduler_V1_GetStatusResponse) -> Bool,
    status: () async throws -> Weft_Scheduler_V1_GetStatusResponse
  ) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    var last = try await status()
    while !condition(last) {
      guard ContinuousClock.now < deadline else { throw TimedOut(status: last) }
      last = try await status()
    }
  }

  private func waitForWorkers(_ count: Int) async throws {
    for process in plan.processes where process.executable != "weft-worker" {
      while await !HealthProbe.isServing(process.address) { try Task.checkCancellation() }
    }
    try await waitForStatus { $0.workers.count == count }
    // Of a scheduler's workers a gateway hears a moment later, unless it is asked for them.
    try await withClient(gateway) { client in
      let gateway = Weft_Gateway_V1_GatewayService.Client(wrapping: client)
      while try await gateway.listModels(.init(), options: .waiting).models
        .reduce(0, { $0 + Int($1.workerCount) }) < count
      { try Task.checkCancellation() }
    }
  }

  private func run(_ process: MeshPlan.Process) async {
    var options = PlatformOptions()
    options.processGroupID = 0
    options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(10))]
    _ = try? await Subprocess.run(
      .path(FilePath("\(Executables.directory)/\(process.executable)")),
      arguments: Arguments(process.arguments),
      platformOptions: options,
      input: .none,
      output: .currentStandardError,
      error: .currentStandardError
    ) { execution in
      self.pids.withLock { $0[process.name] = execution.processIdentifier.value }
    }
  }
}

/// A condition that did not come true, with the scheduler's last word.
struct TimedOut: Error {
  let status: Weft_Scheduler_V1_GetStatusResponse
}

extension CallOptions {
  /// Waits for a server that is still starting, up to half a minute.
  static var waiting: CallOptions {
    var options = CallOptions.defaults
    options.waitForReady = true
    options.timeout = .seconds(30)
    return options
  }
}

/// Runs `body` with a connected client.
func withClient<Result: Sendable>(
  _ address: TransportAddress,
  _ body: @Sendable (GRPCClient<CoreClientTransport>) async throws -> Result
) async throws -> Result {
  let client = MeshClient(address: address)
  return try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { try await client.grpc.runConnections() }
    defer { client.grpc.beginGracefulShutdown() }
    return try await body(client.grpc)
  }
}
