/// The control groups that a process is in, which limit what it may take.
struct ControlGroups {
  /// A group, or one of those around it.
  struct Group: Hashable {
    /// Its directory.
    var path: String
    /// Whether it is of the unified hierarchy, version 2.
    var isUnified: Bool
  }

  /// `/proc/self/cgroup`: lines of `id:controllers:path`.
  private let memberships: [(controllers: [Substring], path: Substring)]

  /// - Parameter text: What `/proc/self/cgroup` has.
  init(_ text: String) {
    memberships = text.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3, fields[2].hasPrefix("/") else { return nil }
      return (fields[1].split(separator: ","), fields[2])
    }
  }

  /// The groups that may limit a resource: the process's own first, then those around it. Not all of
  /// them need exist where the process sees only a part of the hierarchy.
  ///
  /// - Parameter controller: `cpu` or `memory`.
  func groups(of controller: String) -> [Group] {
    memberships.flatMap { membership -> [Group] in
      if membership.controllers.isEmpty {
        return ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].flatMap { root in
          Self.paths(from: membership.path).map { Group(path: root + $0, isUnified: true) }
        }
      }
      guard membership.controllers.contains(where: { $0 == controller }) else { return [] }
      let root = "/sys/fs/cgroup/\(membership.controllers.joined(separator: ","))"
      return Self.paths(from: membership.path).map { Group(path: root + $0, isUnified: false) }
    }
  }

  /// `/a/b`, `/a` and the root, which is empty.
  private static func paths(from path: Substring) -> [String] {
    var parts = path.split(separator: "/")
    guard !parts.contains("..") else { return [""] }
    var paths: [String] = []
    while !parts.isEmpty {
      paths.append("/" + parts.joined(separator: "/"))
      parts.removeLast()
    }
    return paths + [""]
  }
}
