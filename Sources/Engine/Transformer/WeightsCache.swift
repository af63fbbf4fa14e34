import Kernels
import MeshTypes
import ModelFiles

/// Where the packed weights of one model are kept: a file of its own in a folder, which belongs to
/// the model's path. So a model that takes another's place replaces its packed weights too.
struct WeightsCache {
  let path: String
  private let source: any ModelSource

  /// - Parameter folder: Need not exist.
  init(folder: String, file: any ModelSource) {
    source = file
    let first = file.files[0].path
    // A model of several files is called after their folder.
    let parts = first.split(separator: "/").dropLast(file.files.count > 1 ? 1 : 0)
    let name = parts.last.map { String($0.prefix(100)) } ?? "model"
    path = "\(folder)/\(name)-\(Self.hexadecimal(Self.hash(first))).weft"
  }

  /// FNV-1a. Two paths of the same hash would replace each other's packed weights, no more: what a
  /// file holds is compared with the model.
  private static func hash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }

  private static func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// The packed weights, if they are this model's as it is now and what is asked for; their bytes are
  /// not checked.
  func file(for requests: WeightRequests) -> PackedWeightsFile? {
    guard
      let file = try? PackedWeightsFile(path: path),
      file.header.arrangement == MatrixLayout.arrangement, file.header.sources == source.files,
      file.header.sections.count == requests.sections.count
    else { return nil }
    var tensors = file.header.tensors[...]
    for (section, requests) in requests.sections.enumerated() {
      for request in requests {
        guard let tensor = tensors.popFirst(), tensor.section == section,
          request.isAnswered(by: tensor)
        else { return nil }
      }
    }
    return tensors.isEmpty ? file : nil
  }

  /// Packs all weights into the file, one in memory at a time.
  func write(
    _ requests: WeightRequests,
    with packer: WeightPacker,
    to writer: PackedWeightsWriter
  ) throws(MeshError) {
    var begun = -1
    try packer.pack(requests.sections) { (section, request, weight) throws(MeshError) in
      if section != begun { try writer.beginSection() }
      begun = section
      switch weight {
      case .vector(let vector): try writer.append(request.name, vector: vector)
      case .matrix(let matrix):
        let kind = matrix.layout.kind
        try matrix.withPackedBytes { (bytes) throws(MeshError) in
          try writer.append(request.name, kind: kind, bytes: bytes)
        }
      }
    }
    try writer.finish(
      arrangement: MatrixLayout.arrangement,
      sources: source.files,
      digest: source.digest()
    )
  }
}

extension WeightRequest {
  /// Whether a packed tensor is this weight, of the size that it must have.
  fileprivate func isAnswered(by tensor: PackedTensor) -> Bool {
    guard tensor.name == name else { return false }
    switch shape {
    case .vector(let count): return tensor.kind == .vector && tensor.byteCount == 4 * count
    case .matrix(let depth, let columns, _):
      guard let layout = try? MatrixLayout(tensor) else { return false }
      return layout.columns == columns.count && layout.depth == depth
        && layout.byteCount == tensor.byteCount
    }
  }
}

extension MatrixLayout {
  /// How files of packed weights say it.
  var kind: PackedTensor.Kind {
    .matrix(
      ggmlType: format.ggmlType,
      hasWideScales: hasWideScales,
      columns: columns,
      depth: depth
    )
  }

  /// The layout of a packed matrix; nil for a vector.
  ///
  /// - Throws: ``MeshError`` when there are no kernels for it.
  init?(_ tensor: PackedTensor) throws(MeshError) {
    guard case .matrix(let ggmlType, let hasWideScales, let columns, let depth) = tensor.kind else {
      return nil
    }
    guard let format = WeightFormat(ggmlType: ggmlType) else {
      throw MeshError(.unimplemented, "ggml type \(ggmlType) has no kernel", field: tensor.name)
    }
    try self.init(
      format: format,
      hasWideScales: hasWideScales,
      columns: columns,
      depth: depth
    )
  }
}
