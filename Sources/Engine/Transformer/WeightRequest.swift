import Kernels
import MeshTypes
import ModelFiles

/// A weight that a model needs, and the tensor that it is in.
struct WeightRequest: Hashable {
  enum Shape: Hashable {
    case vector(count: Int)
    /// `columns` of the tensor's `total`, each of `depth` inputs.
    case matrix(depth: Int, columns: Range<Int>, total: Int)
  }

  /// What the model calls it; one of its own also where several share a tensor.
  let name: String
  /// The tensor's name in model files.
  let tensor: String
  let shape: Shape

  /// The dimensions that the tensor must have.
  var dimensions: [Int] {
    switch shape {
    case .vector(let count): [count]
    case .matrix(let depth, _, let total): [depth, total]
    }
  }

  static func vector(_ name: String, _ count: Int) -> Self {
    Self(name: name, tensor: name, shape: .vector(count: count))
  }

  static func matrix(_ name: String, depth: Int, columns: Int) -> Self {
    Self(
      name: name,
      tensor: name,
      shape: .matrix(depth: depth, columns: 0..<columns, total: columns)
    )
  }

  /// Several matrices whose outputs follow each other in one tensor.
  static func parts(
    of tensor: String,
    depth: Int,
    _ parts: [(name: String, columns: Int)]
  ) -> [Self] {
    let total = parts.reduce(0) { $0 + $1.columns }
    var first = 0
    return parts.map { part in
      defer { first += part.columns }
      return Self(
        name: part.name,
        tensor: tensor,
        shape: .matrix(depth: depth, columns: first..<first + part.columns, total: total)
      )
    }
  }
}

/// All weights of a model: those that every step needs, then those of each layer.
struct WeightRequests {
  let shared: [WeightRequest]
  let layers: [[WeightRequest]]

  /// The shared ones, then layer after layer: the sections of a file of packed weights.
  var sections: [[WeightRequest]] { [shared] + layers }

  /// Lists what a model of this configuration needs of a file.
  ///
  /// - Throws: ``MeshError`` `notFound` for a missing tensor, `corrupted` for one of another shape
  ///   than the metadata says, `unimplemented` for one without kernels or that nobody asks for. The
  ///   field is the tensor.
  init(_ configuration: ModelConfiguration, file: any ModelSource) throws(MeshError) {
    let width = configuration.width, vocabularySize = configuration.vocabularySize
    var shared: [WeightRequest] = [
      .matrix("token_embd.weight", depth: width, columns: vocabularySize),
      .vector("output_norm.weight", width),
    ]
    if file.hasTensor(named: "output.weight") {
      shared.append(.matrix("output.weight", depth: width, columns: vocabularySize))
    }
    if file.hasTensor(named: "rope_freqs.weight") {
      shared.append(.vector("rope_freqs.weight", configuration.rotary.dimension / 2))
    }
    self.shared = shared
    layers = (0..<configuration.layerCount).map { index in
      Self.layer("blk.\(index)", configuration, file)
    }
    try check(file)
  }

  private static func layer(
    _ prefix: String,
    _ configuration: ModelConfiguration,
    _ file: any ModelSource
  ) -> [WeightRequest] {
    let architecture = configuration.architecture
    let width = configuration.width, queryWidth = configuration.queryWidth
    let kvWidth = configuration.kvWidth, feedForward = configuration.feedForwardWidth
    let projections = [("attn_q", queryWidth), ("attn_k", kvWidth), ("attn_v", kvWidth)]
      .map { (name: "\(prefix).\($0.0).weight", columns: $0.1) }
    let gates = ["ffn_gate", "ffn_up"]
      .map { (name: "\(prefix).\($0).weight", columns: feedForward) }
    func tensors(of name: String, _ parts: [(name: String, columns: Int)]) -> [WeightRequest] {
      architecture.fusesProjections
        ? WeightRequest.parts(of: "\(prefix).\(name).weight", depth: width, parts)
        : parts.map { .matrix($0.name, depth: width, columns: $0.columns) }
    }
    let biases = [("attn_q", queryWidth), ("attn_k", kvWidth), ("attn_v", kvWidth)]
      .map { WeightRequest.vector("\(prefix).\($0.0).bias", $0.1) }
      .filter { file.hasTensor(named: $0.tensor) }
    func norms(_ names: [String], _ count: Int, if isPresent: Bool = true) -> [WeightRequest] {
      isPresent ? names.map { .vector("\(prefix).\($0).weight", count) } : []
    }
    return tensors(of: "attn_qkv", projections) + biases
      + norms(["attn_norm", "ffn_norm"], width)
      + norms(
        ["attn_q_norm", "attn_k_norm"],
        configuration.headDimension,
        if: architecture.hasHeadNorms
      )
      + norms(["post_attention_norm", "post_ffw_norm"], width, if: architecture.hasPostNorms)
      + [.matrix("\(prefix).attn_output.weight", depth: queryWidth, columns: width)]
      + tensors(of: "ffn_up", gates)
      + [.matrix("\(prefix).ffn_down.weight", depth: feedForward, columns: width)]
  }

  /// Looks at every tensor's description before any memory is taken.
  private func check(_ file: any ModelSource) throws(MeshError) {
    var names: Set<String> = []
    for request in sections.joined() {
      let tensor = try file.tensor(named: request.tensor)
      guard tensor.dimensions == request.dimensions else {
        throw MeshError(
          .corrupted,
          "\(request.tensor) must have the dimensions \(request.dimensions), "
            + "found \(tensor.dimensions)",
          field: request.tensor
        )
      }
      _ = try request.layout(in: tensor)
      names.insert(request.tensor)
    }
    guard let stray = file.tensors.first(where: { !names.contains($0.name) }) else { return }
    throw MeshError(
      .unimplemented,
      "\(stray.name) is no tensor of this architecture",
      field: stray.name
    )
  }
}

extension WeightRequest {
  /// The format of the tensor that the weight is in.
  ///
  /// - Throws: ``MeshError`` `unimplemented` naming a tensor without kernels.
  func format(in tensor: GGUFTensor) throws(MeshError) -> WeightFormat {
    guard let format = WeightFormat(ggmlType: tensor.type.ggmlType) else {
      throw MeshError(
        .unimplemented,
        "\(tensor.name) has the type \(tensor.type), which has no kernel",
        field: tensor.name
      )
    }
    return format
  }

  /// How a matrix is packed, where f16 holds its scales; nil for a vector.
  ///
  /// - Throws: ``MeshError`` naming the tensor when there are no kernels for it.
  fileprivate func layout(in tensor: GGUFTensor) throws(MeshError) -> MatrixLayout? {
    let format = try format(in: tensor)
    guard case .matrix(let depth, let columns, _) = shape else { return nil }
    do throws(MeshError) {
      return try MatrixLayout(
        format: format,
        hasWideScales: false,
        columns: columns.count,
        depth: depth
      )
    } catch {
      throw MeshError(error.code, "\(tensor.name): \(error.message)", field: tensor.name)
    }
  }
}
