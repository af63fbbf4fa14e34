import Foundation
import WorkerService

/// A machine made of files in a temporary folder.
struct MachineTree {
  /// What it says of itself, by path.
  var files: [String: String] = [:]

  /// - Parameters:
  ///   - nodes: The CPUs of each memory node, in order, as the kernel lists them.
  ///   - siblings: Which CPUs share a core; others have one of their own.
  ///   - online: CPUs that are online.
  ///   - allowed: CPUs that the process may use.
  init(
    nodes: [String] = ["0-3"],
    siblings: [[Int]] = [],
    online: String = "0-3",
    allowed: String = "0-3"
  ) {
    self["/sys/devices/system/cpu/online"] = online
    self["/sys/devices/system/node/online"] = nodes.count == 1 ? "0" : "0-\(nodes.count - 1)"
    for (node, cpus) in nodes.enumerated() {
      self["/sys/devices/system/node/node\(node)/cpulist"] = cpus
    }
    for core in siblings {
      for cpu in core {
        self["/sys/devices/system/cpu/cpu\(cpu)/topology/thread_siblings_list"] =
          core.map(String.init).joined(separator: ",")
      }
    }
    files["/proc/self/status"] = "Name:\tweft\nRssFile:\t    0 kB\nCpus_allowed_list:\t\(allowed)\n"
  }

  /// A file of one line.
  subscript(path: String) -> String? {
    get { files[path] }
    set { files[path] = newValue.map { $0 + "\n" } }
  }

  /// Lends the machine.
  func with<R>(_ body: (SystemFiles) throws -> R) throws -> R {
    let root = FileManager.default.temporaryDirectory.appending(path: "weft-machine-\(UUID())")
    defer { try? FileManager.default.removeItem(at: root) }
    for (path, text) in files {
      let url = root.appending(path: path)
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(),
        withIntermediateDirectories: true
      )
      try Data(text.utf8).write(to: url)
    }
    return try body(SystemFiles(root: root.path))
  }
}
