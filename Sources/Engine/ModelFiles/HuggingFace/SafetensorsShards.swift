import CCrypto
import JSONText
import MeshTypes

/// The safetensors files of a folder: `model.safetensors`, or those that
/// `model.safetensors.index.json` names.
struct SafetensorsShards: Sendable {
  /// A tensor, and the file that it is in.
  struct Place: Sendable {
    var shard: Int
    var tensor: SafetensorsTensor
  }

  /// In the order of their names.
  private let names: [String]
  private let files: [SafetensorsFile]
  /// All tensors by name.
  let places: [String: Place]

  private static let indexName = "model.safetensors.index.json"

  init(_ folder: FolderFiles) throws(MeshError) {
    let index = try folder.jsonIfPresent(Self.indexName, limits: SafetensorsLimits.index)
    let map = try index.map { (json) throws(MeshError) in try Self.shardsByTensor(json) }
    names = map.map { Set($0.values).sorted() } ?? ["model.safetensors"]
    guard names.count <= SafetensorsLimits.shardCount else {
      throw MeshError(
        .corrupted,
        "weight_map must name at most \(SafetensorsLimits.shardCount) files, names \(names.count)",
        field: "weight_map"
      )
    }
    var files: [SafetensorsFile] = []
    var places: [String: Place] = [:]
    for (shard, name) in names.enumerated() {
      let file = try SafetensorsFile(path: "\(folder.path)/\(name)")
      for tensor in file.tensors {
        // The index decides where a tensor is that stands in two files, or in none that it names.
        if let map, map[tensor.name] != name { continue }
        places[tensor.name] = Place(shard: shard, tensor: tensor)
      }
      files.append(file)
    }
    self.files = files
    self.places = places
    for (tensor, name) in map ?? [:] where places[tensor] == nil {
      throw MeshError(
        .corrupted,
        "tensor \(tensor.quoted) is not in \(name), where the index says it is",
        field: tensor
      )
    }
  }

  /// Reads `{"weight_map": {"lm_head.weight": "model-00002-of-00002.safetensors"}}`.
  private static func shardsByTensor(_ index: JSONValue) throws(MeshError) -> [String: String] {
    var map: [String: String] = [:]
    for (tensor, field) in try JSONField(index).member("weight_map").members() {
      let name = try field.string()
      // A name, and not a way out of the folder.
      guard name.hasSuffix(".safetensors"), name.utf8.count <= 255, !name.hasPrefix("."),
        name.utf8.allSatisfy({ $0 != UInt8(ascii: "/") && $0 != 0 })
      else { throw field.corrupted("must be the name of a .safetensors file in the folder") }
      map[tensor] = name
    }
    return map
  }

  /// The bytes of a tensor, where they lie.
  func withBytes<R, E: Error>(
    of place: Place,
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    try files[place.shard].withBytes(of: place.tensor, body)
  }

  /// The files, in the order of their names.
  var identities: [FileIdentity] { files.map(\.identity) }

  /// Asks the system to read all files.
  func readAhead() {
    for file in files { file.readAhead() }
  }

  /// A SHA-256 over the names and the contents of all files, and `prefix`.
  func digest(behind prefix: [UInt8]) -> [UInt8] {
    var text = prefix
    for (name, file) in zip(names, files) {
      text += Array(name.utf8) + [0] + file.withContents { Self.sha256($0) }
    }
    return text.withUnsafeBytes { Self.sha256($0) }
  }

  private static func sha256(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    _ = SHA256(bytes.baseAddress, bytes.count, &digest)
    return digest
  }
}
