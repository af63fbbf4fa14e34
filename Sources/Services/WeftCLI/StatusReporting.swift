import ArgumentParser
import GRPCCore
import MeshTypes

/// Runs `body` and turns its gRPC errors into one line for people and exit status 1.
func reportingStatus<Result: Sendable>(
  _ body: () async throws -> Result
) async throws -> Result {
  do {
    return try await body()
  } catch let error as RPCError {
    Terminal.note("error: \(error.code): \(error.message)")
    throw ExitCode.failure
  } catch let error as MeshError {
    Terminal.note("error: \(error)")
    throw ExitCode.failure
  }
}
