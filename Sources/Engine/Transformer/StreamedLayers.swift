import MeshTypes
import ModelFiles

/// How many sections of packed weights stay in memory.
struct ResidentLayers {
  /// The shared weights and the first layers.
  let sections: Range<Int>

  /// - Parameter limit: Bytes of memory; nil for no limit.
  /// - Throws: ``MeshError`` `invalidArgument` when not even the shared weights and what streaming
  ///   takes fit.
  init(_ header: PackedWeightsHeader, limit: Int?) throws(MeshError) {
    let sizes = header.sections.map(\.byteCount)
    guard let limit, sizes.reduce(0, +) > limit else {
      sections = header.sections.indices
      return
    }
    let needed = sizes[0] + SectionStream.byteCount(of: header.sections.dropFirst())
    guard needed <= limit else {
      throw .invalid(
        "weights-memory-mib",
        "must be at least \((needed - 1) >> 20 + 1) for this model, got \(limit >> 20)"
      )
    }
    var room = limit - needed
    var count = 1
    while count < sizes.count - 1, sizes[count] <= room {
      room -= sizes[count]
      count += 1
    }
    sections = 0..<count
  }

  /// Layers of which the weights stay.
  var layerCount: Int { sections.count - 1 }
}

/// Brings the weights of layers into memory when a step comes to them.
struct StreamedLayers {
  let stream: SectionStream
  let resident: ResidentLayers

  /// Waits until a layer's weights are in memory. They stay until the next one's are asked for, or
  /// ``release()``.
  ///
  /// - Throws: What ``SectionStream/load(section:)`` does.
  func load(layer: Int) throws(MeshError) {
    guard layer >= resident.layerCount else { return }
    try stream.load(section: layer + 1)
  }

  /// Gives the last layer's memory back, so that the next step's first is read ahead.
  func release() { stream.release() }
}
