import Glibc

/// Where the build has put Weft's executables: beside the test runner.
enum Executables {
  static let names = ["weft", "weft-gateway", "weft-tokenizer", "weft-scheduler", "weft-worker"]

  static let directory: String = {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    let path = String(
      decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) },
      as: UTF8.self
    )
    return String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
  }()

  /// The root of the repository.
  static let root: String = {
    let file: String = #filePath
    return String(file[..<(file.firstRange(of: "/Tests/MeshTests/")?.lowerBound ?? file.endIndex)])
  }()
}
