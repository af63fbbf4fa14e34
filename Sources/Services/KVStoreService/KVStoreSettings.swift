package import MeshRuntime
package import MeshTypes
package import TieredStore

/// What a store service needs to know to run.
package struct KVStoreSettings: Sendable {
  /// How to listen.
  package var server: ServerSettings
  /// The DRAM tier.
  package var memory: MemoryTierConfiguration
  /// The SSD tier; nil for none.
  package var disk: DiskSettings?
  /// The longest payload that is taken.
  package var maxBlockBytes: Int
  /// Bytes a second that readers are given at most; nil for no limit.
  package var memoryReadLimit: Int?

  /// Reads what ``ServerSettings`` and ``DiskSettings`` do, `memory-mib`, `slab-bytes`,
  /// `eviction-policy`, `namespace-quota-mib`, `max-block-bytes` and `memory-read-mbps`.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting.
  package init(_ reader: SettingsReader) async throws(MeshError) {
    server = try await ServerSettings(reader, defaultPort: 7703)
    let memoryBytes = (try await reader.integer("memory-mib", in: 1...1 << 22) ?? 1024) << 20
    maxBlockBytes =
      try await reader.integer("max-block-bytes", in: 1...256 << 20) ?? min(4 << 20, memoryBytes)
    let slabs = min(max(16 << 20, Self.wholePages(maxBlockBytes)), memoryBytes)
    let slabBytes = try await reader.integer("slab-bytes", in: 4096...1 << 32) ?? slabs
    guard slabBytes % 4096 == 0, (maxBlockBytes...memoryBytes).contains(slabBytes) else {
      throw .invalid(
        "slab-bytes",
        "must be a multiple of 4096 in \(maxBlockBytes)...\(memoryBytes), got \(slabBytes)"
      )
    }
    memory = MemoryTierConfiguration(
      capacityBytes: memoryBytes / slabBytes * slabBytes,
      slabBytes: slabBytes,
      policy: try await reader.choice("eviction-policy") ?? .s3FIFO,
      defaultQuotaBytes: try await reader.integer("namespace-quota-mib", in: 0...1 << 22)
        .map { $0 << 20 },
      leaseLimit: 4096
    )
    memoryReadLimit = try await reader.integer("memory-read-mbps", in: 1...1_000_000)
      .map { $0 * 1_000_000 }
    disk = try await DiskSettings(reader, maxBlockBytes: maxBlockBytes)
  }

  private static func wholePages(_ byteCount: Int) -> Int { (byteCount + 4095) / 4096 * 4096 }
}

extension SettingsReader {
  /// One of a type's names, or nil if it is set nowhere.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting and the names.
  func choice<Choice: RawRepresentable & CaseIterable>(
    _ name: String
  ) async throws(MeshError) -> Choice? where Choice.RawValue == String {
    guard let text = try await text(name) else { return nil }
    guard let choice = Choice(rawValue: text) else {
      let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw .invalid(name, "must be one of \(names), got \"\(text.prefix(100))\"")
    }
    return choice
  }
}
