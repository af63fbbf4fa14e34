public import GRPCCore
import GRPCProtobuf
public import MeshTypes

/// The one place where domain errors become gRPC statuses. A field at fault travels as a
/// `google.rpc.BadRequest` detail, advice when to try again as a `google.rpc.RetryInfo`.
extension MeshError: RPCErrorConvertible {
  /// The canonical code.
  public var rpcErrorCode: RPCError.Code { code.rpcErrorCode }
  /// The message, unchanged.
  public var rpcErrorMessage: String { message }

  /// The field at fault and when to try again, as far as there is something to say.
  public var rpcErrorMetadata: Metadata {
    var details: [ErrorDetails] = []
    if let field {
      let violation = ErrorDetails.BadRequest.FieldViolation(field: field, description: message)
      details.append(.badRequest(violations: [violation]))
    }
    if let retryAfterMilliseconds {
      details.append(.retryInfo(delay: .milliseconds(retryAfterMilliseconds)))
    }
    guard !details.isEmpty else { return [:] }
    return GoogleRPCStatus(
      code: rpcErrorCode,
      message: message,
      details: details
    ).rpcErrorMetadata
  }

  /// The error itself.
  public var rpcErrorCause: (any Error)? { self }
}

extension MeshError.Code {
  /// The canonical gRPC code of this kind of failure.
  package var rpcErrorCode: RPCError.Code {
    switch self {
    case .invalidArgument: .invalidArgument
    case .notFound: .notFound
    case .alreadyExists: .alreadyExists
    case .failedPrecondition: .failedPrecondition
    case .outOfRange: .outOfRange
    case .resourceExhausted: .resourceExhausted
    case .cancelled: .cancelled
    case .deadlineExceeded: .deadlineExceeded
    case .unavailable: .unavailable
    case .corrupted: .dataLoss
    case .unimplemented: .unimplemented
    default: .internalError
    }
  }

  /// The kind of failure that a gRPC status of another service stands for.
  package init(_ code: RPCError.Code) {
    switch code {
    case .invalidArgument: self = .invalidArgument
    case .notFound: self = .notFound
    case .alreadyExists: self = .alreadyExists
    case .failedPrecondition: self = .failedPrecondition
    case .outOfRange: self = .outOfRange
    case .resourceExhausted: self = .resourceExhausted
    case .cancelled: self = .cancelled
    case .deadlineExceeded: self = .deadlineExceeded
    case .unavailable: self = .unavailable
    case .dataLoss: self = .corrupted
    case .unimplemented: self = .unimplemented
    default: self = .internalError
    }
  }
}
