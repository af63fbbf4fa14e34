import Glibc
import SegmentStore
import Testing

/// Runs `body` with the path of a new directory, which is removed afterwards.
func withSegmentsDirectory(_ body: (String) throws -> Void) throws {
  let path = try makeDirectory()
  defer { removeDirectory(path) }
  try body(path)
}

/// Runs `body` with the path of a new directory, which is removed afterwards.
func withSegmentsDirectory(_ body: (String) async throws -> Void) async throws {
  let path = try makeDirectory()
  defer { removeDirectory(path) }
  try await body(path)
}

private func makeDirectory() throws -> String {
  var template = Array("/tmp/weft-segments-XXXXXX".utf8CString)
  return try #require(mkdtemp(&template).map { String(cString: $0) })
}

private func removeDirectory(_ path: String) {
  if let names = try? SegmentDirectory(path: path, access: .readOnly).fileNames() {
    for name in names { unlink("\(path)/\(name)") }
  }
  rmdir(path)
}
