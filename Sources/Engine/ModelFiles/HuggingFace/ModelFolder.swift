import Glibc
import JSONText
package import MeshTypes

/// A model in a Hugging Face folder: `config.json`, and weights in one safetensors file or several.
///
/// It looks like a GGUF file of the same model: see ``ModelSource``. Opening reads headers only. The
/// files must not be written to while they are open; replace folders by renaming.
package final class ModelFolder: ModelSource {
  /// What `config.json` says.
  package let configuration: HuggingFaceConfiguration
  package let metadata: GGUFMetadata
  /// In the order of their names. A tensor's `byteOffset` means nothing here.
  package let tensors: [GGUFTensor]

  private let configurationFile: FileIdentity
  private let configurationBytes: [UInt8]
  private let shards: SafetensorsShards
  private let weights: [String: FolderWeight]

  /// Opens and checks a folder.
  ///
  /// - Throws: ``MeshError`` `notFound` for a missing file, key or tensor, `corrupted` for one that
  ///   is wrong, `unimplemented` for a model that Weft does not compute. The field is the file, the
  ///   path of the key in it, or the tensor.
  package init(path: String) throws(MeshError) {
    let folder = FolderFiles(path: path)
    // Taken first: should the file change meanwhile, this is not its identity any more.
    configurationFile = try FileMapping(path: "\(path)/config.json").identity
    let configuration = try folder.configuration()
    configurationBytes = try folder.contents(
      "config.json",
      maximumByteCount: SafetensorsLimits.configuration.byteCount
    )
    metadata = try configuration.metadata()
    let shards = try SafetensorsShards(folder)
    var weights: [String: FolderWeight] = [:]
    for (name, place) in shards.places {
      guard let origin = WeightOrigin(of: name, configuration) else { continue }
      // A tied model's own output matrix, where a folder has one, is not used.
      if configuration.tiesEmbeddings && origin.name == "output.weight" { continue }
      let weight = try FolderWeight(origin, place)
      if let other = weights.updateValue(weight, forKey: origin.name) {
        throw MeshError(
          .corrupted,
          "tensors \(name.quoted) and \(other.sourceName.quoted) are both \(origin.name)",
          field: name
        )
      }
    }
    guard configuration.tiesEmbeddings || weights["output.weight"] != nil else {
      throw MeshError(
        .notFound,
        "the model has no tensor lm_head.weight, and tie_word_embeddings is false",
        field: "lm_head.weight"
      )
    }
    if let divisors = configuration.rotary.frequencyDivisors(power: pow) {
      let weight = FolderWeight(name: "rope_freqs.weight", values: divisors)
      weights[weight.tensor.name] = weight
    }
    self.configuration = configuration
    self.shards = shards
    self.weights = weights
    tensors = weights.values.map(\.tensor).sorted { $0.name < $1.name }
  }

  package func tensor(named name: String) throws(MeshError) -> GGUFTensor {
    guard let weight = weights[name] else {
      throw MeshError(.notFound, "the model has no tensor \(name.quoted)", field: name)
    }
    return weight.tensor
  }

  package func hasTensor(named name: String) -> Bool { weights[name] != nil }

  /// The name of a tensor in the folder; nil for one that is computed.
  package func sourceName(of tensor: GGUFTensor) -> String? {
    guard let weight = weights[tensor.name], weight.place != nil else { return nil }
    return weight.sourceName
  }

  package func withBytes<R, E: Error>(
    of tensor: GGUFTensor,
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    guard let weight = weights[tensor.name], weight.tensor == tensor else {
      preconditionFailure("a tensor of another model")
    }
    guard let place = weight.place else {
      return try weight.withValues(body)
    }
    return try shards.withBytes(of: place) { (bytes) throws(E) in
      if weight.change == .none, UInt(bitPattern: bytes.baseAddress).isMultiple(of: 8) {
        return try body(bytes)
      }
      let copy = UnsafeMutableRawBufferPointer.allocate(
        byteCount: tensor.byteCount,
        alignment: 64
      )
      defer { copy.deallocate() }
      weight.write(bytes, to: copy)
      return try body(UnsafeRawBufferPointer(copy))
    }
  }

  package var files: [FileIdentity] { [configurationFile] + shards.identities }

  package func readAhead() { shards.readAhead() }

  package func digest() -> [UInt8] { shards.digest(behind: configurationBytes) }
}
