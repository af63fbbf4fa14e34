import Glibc
import TestSupport
import Testing

/// A python program of the fixtures, running beside the test.
///
/// Python is the one that `WEFT_PYTHON` names, else that of the cache's virtual environment.
final class PythonProcess: Sendable {
  /// What the program prints.
  let lines: AsyncStream<String>
  private let exits: AsyncStream<Int32>
  private let socket: Int32
  private let child: pid_t

  init(_ script: String, _ arguments: String...) throws {
    let program = TestEnvironment.python
    let fixture = #filePath.replacing("Support/PythonProcess.swift", with: "Fixtures/\(script)")
    // One socket is the child's input and output. Closed at exec, or other children would keep it.
    var ends: [Int32] = [0, 0]
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    try #require(socketpair(AF_UNIX, kind, 0, &ends) == 0)

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    var words: [UnsafeMutablePointer<CChar>?] = ([program, fixture] + arguments).map { strdup($0) }
    words.append(nil)
    defer { for word in words { free(word) } }
    var child = pid_t()
    let status = posix_spawn(&child, program, &actions, nil, words, environ)
    close(ends[1])
    socket = ends[0]

    let (lines, line) = AsyncStream<String>.makeStream()
    let (exits, exit) = AsyncStream<Int32>.makeStream()
    self.lines = lines
    self.exits = exits
    guard status == 0 else {
      self.child = 0
      throw PythonIsMissing(path: program)
    }
    self.child = child
    Reader(file: fdopen(dup(socket), "r"), child: child, line: line, exit: exit).start()
  }

  deinit {
    close(socket)
  }

  /// Ends the program's input and waits for its exit status.
  func finish() async -> Int32 {
    shutdown(socket, Int32(SHUT_WR))
    for await status in exits { return status }
    return -1
  }

  /// Ends the program at once, as a crash would.
  func kill() async {
    Glibc.kill(child, SIGKILL)
    _ = await finish()
  }

  private struct PythonIsMissing: Error, CustomStringConvertible {
    let path: String
    var description: String {
      "There is no python at \(path); dev/test makes it, or set WEFT_PYTHON to one with grpcio."
    }
  }
}

/// Reads a child's output on a thread of its own, for tasks must not block.
private final class Reader {
  private let file: UnsafeMutablePointer<FILE>?
  private let child: pid_t
  private let line: AsyncStream<String>.Continuation
  private let exit: AsyncStream<Int32>.Continuation

  init(
    file: UnsafeMutablePointer<FILE>?,
    child: pid_t,
    line: AsyncStream<String>.Continuation,
    exit: AsyncStream<Int32>.Continuation
  ) {
    self.file = file
    self.child = child
    self.line = line
    self.exit = exit
  }

  func start() {
    var thread = pthread_t()
    pthread_create(
      &thread,
      nil,
      { context in
        Unmanaged<Reader>.fromOpaque(context!).takeRetainedValue().run()
        return nil
      },
      Unmanaged.passRetained(self).toOpaque()
    )
    pthread_detach(thread)
  }

  private func run() {
    var text: UnsafeMutablePointer<CChar>?
    var capacity = 0
    while getline(&text, &capacity, file) > 0 {
      line.yield(String(String(cString: text!).dropLast()))
    }
    free(text)
    fclose(file)
    var status: Int32 = 0
    waitpid(child, &status, 0)
    line.finish()
    exit.yield(status)
    exit.finish()
  }
}
