/// The error of every pure part of the mesh: a canonical code, a message for people, and where the
/// input was at fault the field it came in.
///
/// The wire maps ``Code`` one to one to gRPC's canonical status codes, in one place
/// (`MeshRuntime`). Messages name the allowed range: `"temperature must be in 0...2, got -1"`.
public struct MeshError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of failure it is. A struct around a hidden enum, so that codes can grow.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    private enum Wrapped: String {
      case invalidArgument, notFound, alreadyExists, failedPrecondition, outOfRange
      case resourceExhausted, cancelled, deadlineExceeded, unavailable, internalError, corrupted
      case unimplemented
    }

    private var wrapped: Wrapped

    /// The caller's input is wrong whatever the state of the system.
    public static let invalidArgument = Self(wrapped: .invalidArgument)
    /// The named thing does not exist.
    public static let notFound = Self(wrapped: .notFound)
    /// The thing to create exists already.
    public static let alreadyExists = Self(wrapped: .alreadyExists)
    /// The system is not in the state that the call requires.
    public static let failedPrecondition = Self(wrapped: .failedPrecondition)
    /// A length or position lies beyond what the system can ever take.
    public static let outOfRange = Self(wrapped: .outOfRange)
    /// A bounded queue or pool is full; trying again later can succeed.
    public static let resourceExhausted = Self(wrapped: .resourceExhausted)
    /// The caller took the call back.
    public static let cancelled = Self(wrapped: .cancelled)
    /// The deadline passed first.
    public static let deadlineExceeded = Self(wrapped: .deadlineExceeded)
    /// A service needed for this is not there at the moment.
    public static let unavailable = Self(wrapped: .unavailable)
    /// A defect of the mesh itself.
    public static let internalError = Self(wrapped: .internalError)
    /// Stored bytes fail their own checks: truncated, overlapping, wrong checksum.
    public static let corrupted = Self(wrapped: .corrupted)
    /// The input asks for something that Weft does not do, such as an unknown tensor type.
    public static let unimplemented = Self(wrapped: .unimplemented)

    /// The code's name.
    public var description: String { wrapped.rawValue }
  }

  /// What kind of failure it is.
  public var code: Code
  /// For people: what was wrong, what was found, what is allowed.
  public var message: String
  /// The request field, metadata key or tensor at fault, as its name stands in the proto or file.
  public var field: String?
  /// When trying again can succeed, if that is known.
  public var retryAfterMilliseconds: Int?

  /// Creates an error.
  ///
  /// - Parameters:
  ///   - code: What kind of failure it is.
  ///   - message: What was wrong, what was found, what is allowed.
  ///   - field: The field, key or tensor at fault, if one is.
  ///   - retryAfterMilliseconds: When trying again can succeed, if that is known.
  public init(
    _ code: Code,
    _ message: String,
    field: String? = nil,
    retryAfterMilliseconds: Int? = nil
  ) {
    self.code = code
    self.message = message
    self.field = field
    self.retryAfterMilliseconds = retryAfterMilliseconds
  }

  /// Creates an ``Code/invalidArgument`` error about one field.
  ///
  /// - Parameters:
  ///   - field: The field at fault, as named in the proto.
  ///   - message: What is allowed and what was found; the field's name is put in front.
  public static func invalid(_ field: String, _ message: String) -> Self {
    Self(.invalidArgument, "\(field) \(message)", field: field)
  }

  /// The code and the message.
  public var description: String { "\(code): \(message)" }
}
