package import MeshTypes
import ModelFiles
package import Tokenization

extension TokenizerDescription {
  /// Reads the vocabulary of a model: a GGUF file's, or a Hugging Face folder's. No file is kept open.
  ///
  /// - Throws: ``MeshError`` naming the metadata key, file or path of a key at fault.
  package init(modelPath path: String) throws(MeshError) {
    if isFolder(path) {
      self = try TokenizerFolder(path: path).description()
    } else {
      try self.init(GGUFFile(path: path).metadata)
    }
  }
}
