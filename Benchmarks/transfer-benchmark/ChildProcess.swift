import Foundation
import Glibc
import Subprocess
import SystemPackage

/// One of Weft's executables, which stand beside this one.
enum ChildProcess {
  /// Runs an executable while `body` runs, and then stops it in good order.
  static func with<Result: Sendable>(
    _ executable: String,
    _ arguments: [String],
    _ body: () async throws -> Result
  ) async throws -> Result {
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let path = URL(filePath: own).deletingLastPathComponent().appending(path: executable).path()
    // It stops when nobody holds this pipe's writing end any more, so it cannot outlive this process.
    let (lifeline, end) = try FileDescriptor.pipe()
    defer {
      try? lifeline.close()
      try? end.close()
    }
    for descriptor in [lifeline, end] {
      guard fcntl(descriptor.rawValue, F_SETFD, FD_CLOEXEC) != -1 else {
        throw Errno(rawValue: errno)
      }
    }
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(20))]
        _ = try await Subprocess.run(
          .path(FilePath(path)),
          arguments: Arguments(arguments + ["--log-level", "error", "--stop-with-standard-input"]),
          platformOptions: options,
          input: .fileDescriptor(lifeline, closeAfterSpawningProcess: false),
          output: .currentStandardError,
          error: .currentStandardError
        )
      }
      let result = try await body()
      group.cancelAll()
      while await group.nextResult() != nil {}
      return result
    }
  }
}
