import GRPCCore
import GRPCProtobuf

extension RPCError {
  /// `invalidArgument` for a message whose field is not as it has to be, with the field as a
  /// `google.rpc.BadRequest` detail.
  static func malformed(_ message: String, field: String, _ what: String) -> RPCError {
    let text = "\(message): \(field) \(what)"
    let violation = ErrorDetails.BadRequest.FieldViolation(field: field, description: text)
    return RPCError(
      GoogleRPCStatus(
        code: .invalidArgument,
        message: text,
        details: [.badRequest(violations: [violation])]
      )
    )
  }
}
