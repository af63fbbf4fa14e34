import GRPCCore
import GRPCProtobuf
import MeshRuntime
import MeshTypes

extension RPCError {
  /// The scheduler's error as the gateway's client knows it: with the names of the fields that the
  /// client has set.
  ///
  /// - Parameter promptField: The field that the prompt came in.
  func namingClientFields(promptField: String) -> RPCError {
    let names = ["prompt_token_ids": promptField, "max_tokens": "options.max_tokens"]
    let details = (try? unpackGoogleRPCStatus())?.details ?? []
    let fields = details.compactMap(\.badRequest).flatMap(\.violations).map(\.field)
    guard let field = fields.first, let name = names[field] else { return self }
    return RPCError(
      MeshError(
        MeshError.Code(code),
        message.replacing(field, with: name, maxReplacements: 1),
        field: name
      )
    )
  }
}
