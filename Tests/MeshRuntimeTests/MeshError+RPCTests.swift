import GRPCCore
import GRPCCoreTransport
import GRPCProtobuf
import MeshProtos
import MeshRuntime
import MeshTypes
import ServiceTesting
import SwiftProtobuf
import Testing

@Suite("A domain error on the wire")
struct MeshErrorRPCTests {
  private static let codes: [(MeshError.Code, RPCError.Code)] = [
    (.invalidArgument, .invalidArgument), (.notFound, .notFound),
    (.alreadyExists, .alreadyExists), (.failedPrecondition, .failedPrecondition),
    (.outOfRange, .outOfRange), (.resourceExhausted, .resourceExhausted),
    (.cancelled, .cancelled), (.deadlineExceeded, .deadlineExceeded),
    (.unavailable, .unavailable), (.internalError, .internalError), (.corrupted, .dataLoss),
    (.unimplemented, .unimplemented),
  ]

  /// Answers every check with an error.
  private struct Failing: Grpc_Health_V1_Health.SimpleServiceProtocol {
    var error: MeshError

    func check(
      request: Grpc_Health_V1_HealthCheckRequest,
      context: ServerContext
    ) async throws -> Grpc_Health_V1_HealthCheckResponse {
      throw error
    }

    func watch(
      request: Grpc_Health_V1_HealthCheckRequest,
      response: RPCWriter<Grpc_Health_V1_HealthCheckResponse>,
      context: ServerContext
    ) async throws {
      throw error
    }
  }

  private static func onTheWire(_ error: MeshError) async throws -> [RPCError] {
    try await withServer([Failing(error: error)]) { client, _ in
      let health = Grpc_Health_V1_Health.Client(wrapping: client)
      return [
        try await rpcError { try await health.check(.init()) },
        try await rpcError {
          try await health.watch(.init()) { response in
            for try await _ in response.messages {}
          }
        },
      ]
    }
  }

  @Test("has its own canonical code, there and back")
  func codes() {
    for (domain, rpc) in Self.codes {
      #expect(MeshError(domain, "").rpcErrorCode == rpc)
      #expect(MeshError.Code(rpc) == domain)
    }
    #expect(MeshError.Code(RPCError.Code.unknown) == .internalError)
    #expect(MeshError.Code(RPCError.Code.permissionDenied) == .internalError)
  }

  @Test("about a field carries the field as google.rpc.BadRequest")
  func field() async throws {
    let error = MeshError.invalid("options.max_tokens", "must be at least 1, got 0 — \u{1F600}")
    for received in try await Self.onTheWire(error) {
      #expect(received.code == .invalidArgument)
      #expect(received.message == error.message)
      #expect(received.violatedFields == ["options.max_tokens"])
      let status = try #require(try received.unpackGoogleRPCStatus())
      #expect(status.code == .invalidArgument)
      #expect(status.message == error.message)
    }
  }

  @Test("that passes says when to try again as google.rpc.RetryInfo")
  func retryAdvice() async throws {
    let error = MeshError(.resourceExhausted, "full", retryAfterMilliseconds: 1500)
    for received in try await Self.onTheWire(error) {
      #expect(received.code == .resourceExhausted)
      let status = try #require(try received.unpackGoogleRPCStatus())
      #expect(status.details.compactMap(\.retryInfo).map(\.delay) == [.milliseconds(1500)])
    }
  }

  @Test("about no field carries its code and message alone")
  func noField() async throws {
    for received in try await Self.onTheWire(MeshError(.corrupted, "checksum")) {
      #expect(received.code == .dataLoss)
      #expect(received.message == "checksum")
      #expect(received.violatedFields == [])
    }
  }
}
