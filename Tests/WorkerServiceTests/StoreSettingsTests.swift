import FoundationEssentials
import Glibc
import KVStoreClient
import MeshTypes
import ServiceTesting
import Testing
import WorkerService

/// Runs `body` with a mesh's key in a file.
func withKeyFile<Result>(
  _ key: [UInt8],
  mode: mode_t = 0o600,
  _ body: (String) async throws -> Result
) async throws -> Result {
  let path = FileManager.default.temporaryDirectory.appending(path: "weft-key-\(UUID())").path
  try Data(key).write(to: URL(filePath: path))
  defer { unlink(path) }
  chmod(path, mode)
  return try await body(path)
}

@Suite("A worker's settings for the KV store")
struct StoreSettingsTests {
  /// Why a worker with these settings cannot be.
  private func refusal(_ flags: [String: String]) async throws -> MeshError {
    let reader = try await settings(["model": "/nonexistent"].merging(flags) { $1 })
    return try await #require(throws: MeshError.self) {
      _ = try await Worker(settings: try await WorkerSettings(reader), logger: .silent)
    }
  }

  private func keyRefusal(_ path: String) async throws -> MeshError {
    try await refusal(["mesh-key-file": path])
  }

  @Test("name the setting when an address, the staging or the role is wrong")
  func wrong() async throws {
    let wrong: [(String, String)] = [
      ("kvstores", "nonsense"), ("kvstores", "localhost:0x"), ("kvstores", "a:1,,b"),
      ("kvstores", "a:1,a:1"), ("kvstores", (1...65).map { "a:\($0)" }.joined(separator: ",")),
      ("kvstore-lookup-timeout-ms", "0"), ("store-staging-mib", "0"),
      ("store-staging-mib", "65537"), ("worker-role", "boss"), ("worker-role", ""),
      ("store-block-format", "q4"), ("store-block-format", ""),
    ]
    for (name, text) in wrong {
      let error = try await refusal([name: text])
      #expect(error.code == .invalidArgument, "\(name) = \(text): \(error)")
      #expect(error.field == name, "\(name) = \(text): \(error)")
    }
  }

  @Test("take every role by its name")
  func roles() async throws {
    for role in ["everything", "prefill", "decode"] {
      let reader = try await settings(["model": "/nonexistent", "worker-role": role])
      #expect(try await WorkerSettings(reader).role.rawValue == role)
    }
    let reader = try await settings(["model": "/nonexistent"])
    let worker = try await WorkerSettings(reader)
    #expect(worker.role == .everything)
    #expect(worker.store.cluster.addresses.isEmpty)
    #expect(worker.store.keyFile == nil)
    #expect(worker.store.stagingBytes == 64 << 20)
    #expect("\(worker.store.blockFormat)" == "exact")
  }

  @Test("refuse a key that is no file, or that all may read or others write, and say which")
  func keyFiles() async throws {
    var errors = [try await keyRefusal("/nonexistent/key"), try await keyRefusal("/tmp")]
    let pipe = FileManager.default.temporaryDirectory.appending(path: "weft-key-\(UUID())").path
    #expect(mkfifo(pipe, 0o600) == 0)
    defer { unlink(pipe) }
    errors.append(try await keyRefusal(pipe))
    let key = [UInt8](repeating: 1, count: 32)
    for mode in [0o644, 0o660, 0o602, 0o611] as [mode_t] {
      errors.append(try await withKeyFile(key, mode: mode) { try await keyRefusal($0) })
    }
    for error in errors {
      #expect(error.code == .failedPrecondition)
      #expect(error.field == "mesh-key-file")
      #expect(error.message.contains("mesh-key-file"))
    }
    #expect(errors[0].message.contains("/nonexistent/key"))
    #expect(errors[3].message.contains("600"))
  }

  @Test("take a key that a group may read, as Kubernetes mounts secrets")
  func mountedKey() async throws {
    let key = [UInt8](repeating: 1, count: 32)
    for mode in [0o440, 0o640, 0o400] as [mode_t] {
      let error = try await withKeyFile(key, mode: mode) { try await keyRefusal($0) }
      #expect(error.field != "mesh-key-file", "\(error)")
    }
  }

  @Test("refuse a key of too few bytes or too many, and take one of every other size")
  func keySizes() async throws {
    for (count, isAllowed) in [0: false, 15: false, 16: true, 1024: true, 1025: false] {
      let key = [UInt8](repeating: 1, count: count)
      let error = try await withKeyFile(key) { try await keyRefusal($0) }
      #expect((error.field != "mesh-key-file") == isAllowed, "\(count) bytes: \(error)")
      if !isAllowed { #expect(error.message.contains("16...1024"), "\(error)") }
    }
  }
}
