import Glibc
package import MeshTypes

/// A model's weights and what describes them, whatever kind of file they come from.
///
/// Keys, tensor names, the order of rows and what norms mean are those of GGUF files.
package protocol ModelSource: AnyObject, Sendable {
  /// The hyperparameters.
  var metadata: GGUFMetadata { get }
  /// All tensors.
  var tensors: [GGUFTensor] { get }

  /// The tensor with a name.
  ///
  /// - Throws: ``MeshError`` `notFound` whose field is the name.
  func tensor(named name: String) throws(MeshError) -> GGUFTensor

  /// Whether there is a tensor with a name.
  func hasTensor(named name: String) -> Bool

  /// The bytes of a tensor, row after row, aligned to 8 bytes at least, for the time of the call.
  func withBytes<R, E: Error>(
    of tensor: GGUFTensor,
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R

  /// The files that it was read from, as they were when they were opened; at least one.
  var files: [FileIdentity] { get }

  /// Asks the system to read all tensors ahead, in parallel to whatever comes next.
  func readAhead()

  /// 32 bytes that name the weights in content keys.
  func digest() -> [UInt8]
}

extension GGUFFile: ModelSource {}

/// Opens the model at a path: a GGUF file, or a Hugging Face folder.
///
/// - Throws: ``MeshError`` as ``GGUFFile/init(path:)`` or ``ModelFolder/init(path:)`` does.
package func openModel(at path: String) throws(MeshError) -> any ModelSource {
  isFolder(path) ? try ModelFolder(path: path) : try GGUFFile(path: path)
}

/// Whether there is a folder at a path.
package func isFolder(_ path: String) -> Bool {
  var status = stat()
  return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}
