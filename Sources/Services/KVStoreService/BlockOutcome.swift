import GRPCCore
import TieredStore

/// What became of a block that somebody put.
struct BlockOutcome: Sendable, Equatable {
  var code: Status.Code
  var message = ""

  static let stored = Self(code: .ok)
  static let conflict = Self(code: .alreadyExists, message: "the key is here with other bytes")
  static let noRoom = Self(
    code: .resourceExhausted,
    message: "no room: what is here is leased, being read or being written"
  )
  static let overQuota = Self(
    code: .resourceExhausted,
    message: "the namespace's quota is smaller than the block"
  )

  /// The payload has not the checksum that was sent with it.
  static func damaged(computed: UInt32, sent: UInt32) -> Self {
    func digits(_ checksum: UInt32) -> String { String(checksum, radix: 16) }
    return Self(
      code: .dataLoss,
      message: "the payload has the CRC32C \(digits(computed)), checksum says \(digits(sent))"
    )
  }

  init(code: Status.Code, message: String = "") {
    self.code = code
    self.message = message
  }

  /// What the memory tier answered.
  init(_ outcome: PutOutcome) {
    self =
      switch outcome {
      case .stored, .present: .stored
      case .conflict: .conflict
      case .exhausted: .noRoom
      case .overQuota: .overQuota
      }
  }
}
