import Glibc
import Logging
import MeshRuntime
import MeshTypes
import ServiceLifecycle
import Subprocess
import SystemPackage

/// Runs the processes of a mesh as children of this one, and starts again what ends by itself.
///
/// Children hold the reading end of a pipe as standard input and stop when it closes, so none
/// outlives the supervisor even if that is killed. Each has a process group of its own, so that a
/// terminal's Ctrl-C reaches the supervisor alone, which then stops them in order.
struct MeshSupervisor: Service {
  let plan: MeshPlan
  /// The directory of the executables.
  let executables: String
  let logger: Logger

  /// A process that ends this often without having lived for ``settledAfter`` ends the mesh.
  private static let maximumQuickEnds = 5
  private static let settledAfter = Duration.seconds(30)
  private static let teardownLimit = Duration.seconds(10)

  func run() async throws {
    let lifeline = try Lifeline()
    defer { lifeline.close() }
    try await cancelWhenGracefulShutdown {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for process in plan.processes {
          group.addTask { try await supervise(process, standardInput: lifeline.readEnd) }
        }
        // Unlike waitForAll, this leaves at the first failure, which ends the other processes.
        for try await _ in group {}
      }
    }
  }

  private func supervise(
    _ process: MeshPlan.Process,
    standardInput: FileDescriptor
  ) async throws {
    var backoff = Backoff(first: .milliseconds(200), longest: .seconds(5))
    var generator = SystemRandomNumberGenerator()
    var quickEnds = 0
    while !Task.isCancelled {
      let start = ContinuousClock.now
      let status = try await launch(process, standardInput: standardInput)
      if Task.isCancelled { return }
      quickEnds = .now - start < Self.settledAfter ? quickEnds + 1 : 1
      guard quickEnds < Self.maximumQuickEnds else {
        throw MeshError(.unavailable, "\(process.name) does not stay up: \(status)")
      }
      logger.error("\(process.name) ended and is started again: \(status)")
      try? await Task.sleep(for: backoff.delay(using: &generator))
    }
  }

  private func launch(
    _ process: MeshPlan.Process,
    standardInput: FileDescriptor
  ) async throws -> TerminationStatus {
    var options = PlatformOptions()
    options.processGroupID = 0
    options.teardownSequence = [
      .gracefulShutDown(allowedDurationToNextStep: Self.teardownLimit)
    ]
    let result = try await Subprocess.run(
      .path(FilePath("\(executables)/\(process.executable)")),
      arguments: Arguments(process.arguments + ["--stop-with-standard-input"]),
      platformOptions: options,
      input: .fileDescriptor(standardInput, closeAfterSpawningProcess: false),
      output: .currentStandardError,
      error: .currentStandardError
    )
    return result.terminationStatus
  }
}

/// A pipe whose writing end only this process holds.
struct Lifeline {
  let readEnd: FileDescriptor
  let writeEnd: FileDescriptor

  /// Makes a pipe that no child inherits unless it is handed an end.
  init() throws {
    (readEnd, writeEnd) = try FileDescriptor.pipe()
    for end in [readEnd, writeEnd] {
      guard fcntl(end.rawValue, F_SETFD, FD_CLOEXEC) != -1 else { throw Errno(rawValue: errno) }
    }
  }

  func close() {
    try? readEnd.close()
    try? writeEnd.close()
  }
}
