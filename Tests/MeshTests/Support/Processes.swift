import Glibc

/// This machine's processes, as /proc has them.
enum Processes {
  /// The processes that `parent` has started and not yet waited for.
  static func children(of parent: pid_t) -> [pid_t] {
    TemporaryDirectory.contents(of: "/proc").compactMap { pid_t($0) }.filter {
      status(of: $0)?.parent == parent
    }
  }

  /// Whether there is such a process that has not ended.
  static func isRunning(_ process: pid_t) -> Bool {
    status(of: process).map { $0.state != "Z" && $0.state != "X" } ?? false
  }

  /// The state's letter and the parent: what follows the name in `stat`, which may hold anything.
  private static func status(of process: pid_t) -> (state: String, parent: pid_t)? {
    guard let file = fopen("/proc/\(process)/stat", "r") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = fread(&bytes, 1, bytes.count, file)
    let text = String(decoding: bytes.prefix(count), as: UTF8.self)
    guard let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[end...].split(separator: " ")
    guard fields.count > 2, let parent = pid_t(fields[2]) else { return nil }
    return (String(fields[1]), parent)
  }
}
