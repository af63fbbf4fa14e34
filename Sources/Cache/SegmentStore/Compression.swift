/// How payloads are written, and how they lie in their records. Reading needs no setting.
package enum Compression: Hashable, Sendable, CustomStringConvertible {
  /// As they are.
  case none
  /// With zstd, level 1 to 3, where that saves an eighth or more.
  case zstd(level: Int)
  /// The same after all bytes at even places were put before those at odd ones: for payloads of
  /// 16-bit floats, whose high bytes resemble each other.
  case zstdPlanes(level: Int)

  /// Levels of zstd that are fast enough to be of use here.
  package static let levels = 1...3

  /// Reads a setting: `none`, `zstd-1`…`zstd-3`, `zstd-planes-1`…`zstd-planes-3`.
  package init?(parsing text: String) {
    let all = [.none] + Self.levels.flatMap { [Self.zstd(level: $0), .zstdPlanes(level: $0)] }
    guard let match = all.first(where: { $0.description == text }) else { return nil }
    self = match
  }

  package var description: String {
    switch self {
    case .none: "none"
    case .zstd(let level): "zstd-\(level)"
    case .zstdPlanes(let level): "zstd-planes-\(level)"
    }
  }

  /// The most bytes of a compressed payload with which its record is smaller by an eighth.
  static func limit(payloadBytes: Int) -> Int {
    let recordBytes = RecordHeader.recordBytes(payloadBytes: payloadBytes)
    let limit = recordBytes * 7 / 8 / PageBuffer.pageBytes * PageBuffer.pageBytes
    return min(limit - RecordHeader.byteCount, payloadBytes - 1)
  }

  /// What a record's header says.
  var codec: PayloadCodec? {
    switch self {
    case .none: nil
    case .zstd: .zstd
    case .zstdPlanes: .zstdPlanes
    }
  }

  var level: Int? {
    switch self {
    case .none: nil
    case .zstd(let level), .zstdPlanes(let level): level
    }
  }
}
