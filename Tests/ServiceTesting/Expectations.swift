package import GRPCCore
import GRPCProtobuf

/// A call that had to fail and did not.
package struct UnexpectedSuccess: Error {}

/// A condition that did not come true.
package struct TimedOut: Error {}

/// The error of a call that has to fail.
///
/// - Throws: ``UnexpectedSuccess`` if it does not, or an error that is no `RPCError`.
package func rpcError<Success>(of call: () async throws -> Success) async throws -> RPCError {
  do {
    _ = try await call()
  } catch let error as RPCError {
    return error
  }
  throw UnexpectedSuccess()
}

extension RPCError {
  /// The request fields at fault, from the `google.rpc.BadRequest` detail.
  package var violatedFields: [String] {
    let details = (try? unpackGoogleRPCStatus())??.details ?? []
    return details.compactMap(\.badRequest).flatMap(\.violations).map(\.field)
  }
}

/// Waits until a condition that is bound to come true does; gives up after two minutes.
package func eventually(_ condition: () async throws -> Bool) async throws {
  let end = ContinuousClock.now + .seconds(120)
  while try await !condition() {
    guard ContinuousClock.now < end else { throw TimedOut() }
    await Task.yield()
  }
}

extension CallOptions {
  /// Two minutes, for machines that are busy: a test that waits for longer has failed.
  package static var bounded: CallOptions {
    var options = CallOptions.defaults
    options.timeout = .seconds(120)
    return options
  }
}
