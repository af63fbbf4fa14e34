import Foundation

/// One way to damage a file.
enum Mutation: Sendable {
  case truncate(to: Int)
  case flipBit(Int)
  case overwrite(at: Int, width: Int, value: UInt64)
  /// Moves a copy of some bytes between others.
  case splice(from: Range<Int>, to: Int)
  case remove(Range<Int>)

  /// Numbers at which sizes, counts and offsets go wrong.
  static let extremes: [UInt64] = [
    0, 1, 12, 255, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 24, 1 << 32, 1 << 60, 1 << 61,
    (1 << 61) + 1, (1 << 62) - 1, 1 << 62, (1 << 63) - 32, (1 << 63) - 1, 1 << 63, .max - 31, .max,
  ]

  /// A random change to the first `header` bytes of a file of `count` bytes.
  static func random(
    within header: Int,
    of count: Int,
    using random: inout SplitMix64
  ) -> Self {
    func range() -> Range<Int> {
      let start = Int.random(in: 0..<header, using: &random)
      return start..<min(header, start + Int.random(in: 1...64, using: &random))
    }
    switch Int.random(in: 0..<6, using: &random) {
    case 0: return .truncate(to: Int.random(in: 0..<count, using: &random))
    case 1: return .flipBit(Int.random(in: 0..<(header * 8), using: &random))
    case 2:
      return .overwrite(
        at: Int.random(in: 0..<header, using: &random),
        width: 1,
        value: random.next()
      )
    case 3:
      return .overwrite(
        at: Int.random(in: 0..<header, using: &random),
        width: Bool.random(using: &random) ? 4 : 8,
        value: extremes.randomElement(using: &random) ?? 0
      )
    case 4: return .splice(from: range(), to: Int.random(in: 0..<header, using: &random))
    default: return .remove(range())
    }
  }

  /// Damages `file`; places that an earlier mutation has cut off are left alone.
  func apply(to file: inout [UInt8]) {
    switch self {
    case .truncate(let count):
      file.removeLast(max(0, file.count - count))
    case .flipBit(let bit):
      if bit / 8 < file.count { file[bit / 8] ^= 1 << (bit % 8) }
    case .overwrite(let offset, let width, let value):
      for index in 0..<width where offset + index < file.count {
        file[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
      }
    case .splice(let source, let target):
      let bytes = Array(file[source.clamped(to: 0..<file.count)])
      file.insert(contentsOf: bytes, at: min(target, file.count))
    case .remove(let range):
      file.removeSubrange(range.clamped(to: 0..<file.count))
    }
  }
}

/// How much to try: `WEFT_FUZZ_COUNT` mutations from `WEFT_FUZZ_SEED`.
enum Fuzz {
  static let count = number("WEFT_FUZZ_COUNT").map { Int($0) } ?? 2000
  static let seed = number("WEFT_FUZZ_SEED") ?? 20_261_124

  private static func number(_ name: String) -> UInt64? {
    ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
  }
}

/// Memory that this process has had at most.
enum Memory {
  /// What damaged files of a few MB may add to the peak, together with tests that run beside: far
  /// more than any of these needs, far less than a believed count would reserve.
  static let allowedGrowth = 8 << 30

  /// The largest address space so far, so that memory that was reserved and never touched counts.
  static func peakByteCount() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmPeak:") }
    let kilobytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap {
      Int($0)
    }
    struct NoPeak: Error {}
    guard let kilobytes else { throw NoPeak() }
    return kilobytes << 10
  }
}

/// Sebastiano Vigna's generator: the same seed gives the same numbers everywhere.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
