import Kernels
import MeshTypes
import ModelFiles

/// A model's weights, ready for steps.
struct LoadedWeights {
  let weights: ModelWeights
  let origin: WeightsOrigin
  /// The model's digest, if it was at hand.
  let digest: [UInt8]?
  /// Layers from here on are in memory only while they are computed.
  let streamed: StreamedLayers?
}

/// Loads a model's weights: from the cache, through the cache, or without one.
struct WeightsLoader {
  let file: any ModelSource
  let configuration: ModelConfiguration
  let engine: KernelEngine
  let settings: WeightsSettings
  let progress: ((LoadingProgress) -> Void)?

  /// - Throws: ``MeshError`` naming the tensor at fault before any memory is taken,
  ///   `resourceExhausted` without memory, `invalidArgument` for a memory limit that is too low.
  func load() throws(MeshError) -> LoadedWeights {
    try settings.validate()
    let requests = try WeightRequests(configuration, file: file)
    guard let folder = settings.cacheFolder else { return try packed(requests, because: nil) }
    let cache = WeightsCache(folder: folder, file: file)
    let found: (file: PackedWeightsFile, origin: WeightsOrigin)
    do throws(MeshError) {
      found = try open(cache, requests)
    } catch {
      // A folder that cannot be written is a reason to be slower, not to fail.
      guard settings.memoryByteLimit == nil else { throw error }
      return try packed(requests, because: error)
    }
    return try mapped(found.file, origin: found.origin)
  }

  private func packed(
    _ requests: WeightRequests,
    because failure: MeshError?
  ) throws(MeshError) -> LoadedWeights {
    var set = WeightSet()
    let packer = WeightPacker(file: file, engine: engine, progress: progress)
    try packer.pack(requests.sections) { (_, request, weight) throws(MeshError) in
      switch weight {
      case .matrix(let matrix): set.matrices[request.name] = matrix
      case .vector(let vector): set.vectors[request.name] = vector
      }
    }
    return LoadedWeights(
      weights: try ModelWeights(set, layerCount: configuration.layerCount),
      origin: .packed(because: failure),
      digest: nil,
      streamed: nil
    )
  }

  private func open(
    _ cache: WeightsCache,
    _ requests: WeightRequests
  ) throws(MeshError) -> (file: PackedWeightsFile, origin: WeightsOrigin) {
    if let file = cache.file(for: requests) {
      // Layers that are streamed are checked whenever they are read.
      let resident = try ResidentLayers(file.header, limit: settings.memoryByteLimit)
      if verify(file, sections: resident.sections) { return (file, .cache) }
    }
    // Waits for another process that packs the same model, whose work will then do.
    let writer = try PackedWeightsWriter(path: cache.path)
    if let file = cache.file(for: requests), verify(file, sections: file.header.sections.indices) {
      return (file, .cache)
    }
    try cache.write(
      requests,
      with: WeightPacker(file: file, engine: engine, progress: progress),
      to: writer
    )
    guard let file = cache.file(for: requests) else {
      throw MeshError(.failedPrecondition, "packed weights were replaced", field: cache.path)
    }
    return (file, .packedIntoCache)
  }

  /// Whether sections are as they were written. Reads them all, on all threads.
  private func verify(_ file: PackedWeightsFile, sections: Range<Int>) -> Bool {
    file.readAhead(sections: sections)
    let total = max(1, sections.reduce(0) { $0 + file.header.sections[$1].byteCount })
    var done = 0
    var rest = sections[...]
    while !rest.isEmpty {
      let batch = rest.prefix(4 * engine.threadCount)
      rest = rest.dropFirst(batch.count)
      let first = batch.startIndex
      guard engine.allSatisfy(count: batch.count, { file.isIntact(section: first + $0) }) else {
        return false
      }
      done += batch.reduce(0) { $0 + file.header.sections[$1].byteCount }
      let last = file.header.tensors.last { $0.section < first + batch.count }
      progress?(
        LoadingProgress(tensor: last?.name ?? "", loadedByteCount: done, totalByteCount: total)
      )
    }
    return true
  }

  private func mapped(
    _ file: PackedWeightsFile,
    origin: WeightsOrigin
  ) throws(MeshError) -> LoadedWeights {
    let resident = try ResidentLayers(file.header, limit: settings.memoryByteLimit)
    let sectionCount = file.header.sections.count
    let stream =
      resident.sections.upperBound < sectionCount
      ? try SectionStream(file: file, sections: resident.sections.upperBound..<sectionCount) : nil
    var set = WeightSet()
    for tensor in file.header.tensors {
      guard let layout = try MatrixLayout(tensor) else {
        set.vectors[tensor.name] = file.values(of: tensor)
        continue
      }
      if let stream, !resident.sections.contains(tensor.section) {
        set.matrices[tensor.name] = try stream.withBytes(of: tensor) { (bytes) throws(MeshError) in
          try WeightMatrix(packed: bytes, layout: layout, owner: stream)
        }
      } else {
        set.matrices[tensor.name] = try file.withBytes(of: tensor) { (bytes) throws(MeshError) in
          try WeightMatrix(packed: bytes, layout: layout, owner: file)
        }
      }
    }
    return LoadedWeights(
      weights: try ModelWeights(set, layerCount: configuration.layerCount),
      origin: origin,
      digest: file.header.digest,
      streamed: stream.map { StreamedLayers(stream: $0, resident: resident) }
    )
  }
}
