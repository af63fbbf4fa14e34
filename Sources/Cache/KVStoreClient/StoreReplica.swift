import GRPCCore
import GRPCCoreTransport
import Logging
import MeshProtos
import MeshRuntime
import ServiceLifecycle
import Synchronization

/// One replica of the store: its connection and whether to ask it.
final class StoreReplica: Service {
  typealias Store = Weft_Kvstore_V1_KVStoreService.Client<CoreClientTransport>

  let name: String
  let grpc: GRPCClient<CoreClientTransport>
  /// The unary methods.
  let store: Store
  private let transport: CoreClientTransport
  /// How long a call waits for a connection where there is none.
  private let connectTimeout: Duration
  private let breaker = Mutex(CircuitBreaker())
  private let now: @Sendable () -> ContinuousClock.Instant
  private let logger: Logger

  /// The largest message: a payload of any model that one may want to store, and its frame.
  static let maximumMessageBytes = 32 << 20

  init(
    address: TransportAddress,
    connectTimeout: Duration,
    now: @escaping @Sendable () -> ContinuousClock.Instant,
    logger: Logger
  ) {
    name = "\(address)"
    self.connectTimeout = connectTimeout
    self.now = now
    self.logger = logger
    var configuration = CoreClientConfiguration()
    configuration.maximumReceiveMessageBytes = Self.maximumMessageBytes
    configuration.connectTimeout = .seconds(1)
    configuration.initialReconnectBackoff = .milliseconds(50)
    configuration.maximumReconnectBackoff = .seconds(1)
    // Without calls too: a replica whose machine has gone is found out before it is needed again.
    configuration.keepalive = CoreKeepalive(interval: .seconds(5), timeout: .seconds(2))
    transport = CoreClientTransport(address: address, configuration: configuration)
    grpc = GRPCClient(transport: transport)
    store = Store(wrapping: grpc)
  }

  func run() async throws {
    try await withGracefulShutdownHandler {
      try await grpc.runConnections()
    } onGracefulShutdown: {
      self.grpc.beginGracefulShutdown()
    }
  }

  /// Whether it answered when last asked.
  var isAvailable: Bool { breaker.withLock(\.isClosed) }

  /// Whether it may be asked now, and is there to be asked; if so, ``record(_:)`` follows.
  ///
  /// One that has just begun to listen is found at once: the breaker alone decides how often to try.
  ///
  /// - Parameter timeout: How long the caller has; one in a hurry says nothing about the replica.
  func admits(within timeout: Duration? = nil) async -> Bool {
    let now = now()
    guard breaker.withLock({ $0.admits(at: now) }) else { return false }
    let allowed = min(timeout ?? connectTimeout, connectTimeout)
    let isConnected = await transport.isConnected(within: allowed)
    if !isConnected { record(allowed < connectTimeout ? .abandoned : .failed) }
    return isConnected
  }

  /// Takes in what came of a call.
  func record(_ outcome: CircuitBreaker.Outcome) {
    let now = now()
    var generator = SystemRandomNumberGenerator()
    let (before, after) = breaker.withLock { breaker in
      let before = breaker.isClosed
      breaker.record(outcome, at: now, using: &generator)
      return (before, breaker.isClosed)
    }
    guard before != after else { return }
    logger.log(
      level: after ? .info : .warning,
      after ? "store answers again" : "store does not answer",
      metadata: ["store": "\(name)"]
    )
  }

  /// Asks, if it may be asked.
  ///
  /// - Returns: nil if it may not, or for an error; which is recorded.
  func ask<Answer>(_ call: (Store) async throws -> Answer) async -> Answer? {
    guard await admits() else { return nil }
    do {
      let answer = try await call(store)
      record(.answered)
      return answer
    } catch {
      record(CircuitBreaker.Outcome(of: error))
      logger.debug("store call failed", metadata: ["store": "\(name)", "error": "\(error)"])
      return nil
    }
  }

  /// Options of a call that fails at once should the connection be lost meanwhile.
  static func options(timeout: Duration) -> CallOptions {
    var options = CallOptions.defaults
    options.timeout = timeout
    options.waitForReady = false
    return options
  }
}

extension CircuitBreaker.Outcome {
  /// What a failed call says about the replica.
  init(of error: any Error) {
    guard let error = error as? RPCError else {
      self = error is CancellationError ? .abandoned : .failed
      return
    }
    switch error.code {
    case .deadlineExceeded: self = .timedOut
    case .cancelled: self = .abandoned
    case .invalidArgument, .notFound, .alreadyExists, .resourceExhausted, .failedPrecondition,
      .aborted, .outOfRange, .dataLoss, .permissionDenied, .unauthenticated:
      self = .answered
    default: self = .failed
    }
  }
}
