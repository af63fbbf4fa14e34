package import MeshTypes

/// Where a model's weights are kept.
package struct WeightsSettings: Hashable, Sendable {
  /// The folder that packed weights are kept in, to be mapped the next time; nil means nowhere.
  package var cacheFolder: String?
  /// The most bytes of packed weights to keep in memory; layers beyond them are read from the cache
  /// in every step. nil means all of them.
  package var memoryByteLimit: Int?

  package init(cacheFolder: String? = nil, memoryByteLimit: Int? = nil) {
    self.cacheFolder = cacheFolder
    self.memoryByteLimit = memoryByteLimit
  }

  /// - Throws: ``MeshError`` `invalidArgument` naming the setting.
  package func validate() throws(MeshError) {
    guard memoryByteLimit == nil || cacheFolder != nil else {
      throw .invalid("weights-memory-mib", "needs weights-cache, where layers are read from")
    }
  }
}

/// Where a model's weights came from.
package enum WeightsOrigin: Hashable, Sendable {
  /// They were packed into memory; because the cache failed, if there was one.
  case packed(because: MeshError?)
  /// They were packed into the cache.
  case packedIntoCache
  /// They were in the cache.
  case cache
}
