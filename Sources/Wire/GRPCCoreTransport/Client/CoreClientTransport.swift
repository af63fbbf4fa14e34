internal import CGRPC
package import GRPCCore
import Synchronization

/// grpc-swift's client transport over libgrpc's C core.
///
/// RPCs may start before ``connect()`` runs; the channel connects on demand and reconnects by
/// itself. Each RPC runs on the transport's ``CompletionQueueExecutor``, and so do its child tasks:
/// a response handler must not block.
package final class CoreClientTransport: ClientTransport {
  package typealias Bytes = SliceBytes

  private enum Phase {
    /// RPCs may start. Transitions to `draining`.
    case accepting
    /// Open RPCs may end. Transitions to `closed`.
    case draining
    /// Neither the channel nor an RPC is left.
    case closed
  }

  private struct State: ~Copyable {
    var phase = Phase.accepting
    /// Nil once draining has begun; open calls keep it alive.
    var channel: ChannelHandle?
    var openCalls: [UInt64: CallHandle] = [:]
    var nextCallID: UInt64 = 0
    var hasConnected = false
    var connection: UnsafeContinuation<Void, Never>?
  }

  package let retryThrottle: RetryThrottle?

  private let target: String
  private let peer: String
  private let methodConfigurations: [MethodConfig.Name: MethodConfig]
  private let executor: CompletionQueueExecutor
  private let state: Mutex<State>

  /// A transport to one server.
  package convenience init(
    address: TransportAddress,
    configuration: CoreClientConfiguration = CoreClientConfiguration(),
    executor: CompletionQueueExecutor = .shared
  ) {
    self.init(
      target: address.clientTarget,
      peer: address.peerDescription,
      configuration: configuration,
      executor: executor
    )
  }

  /// A transport to what a core target names, such as `dns:///scheduler:50051` (with round robin by
  /// ``CoreClientConfiguration/coreServiceConfigJSON``) or `ipv4:10.0.0.1:50051,10.0.0.2:50051`.
  package convenience init(
    target: String,
    configuration: CoreClientConfiguration = CoreClientConfiguration(),
    executor: CompletionQueueExecutor = .shared
  ) {
    self.init(target: target, peer: target, configuration: configuration, executor: executor)
  }

  private init(
    target: String,
    peer: String,
    configuration: CoreClientConfiguration,
    executor: CompletionQueueExecutor
  ) {
    self.target = target
    self.peer = peer
    self.executor = executor
    retryThrottle = configuration.serviceConfig.retryThrottling.map { RetryThrottle(policy: $0) }
    var methodConfigurations: [MethodConfig.Name: MethodConfig] = [:]
    for methodConfiguration in configuration.serviceConfig.methodConfig {
      for name in methodConfiguration.names { methodConfigurations[name] = methodConfiguration }
    }
    self.methodConfigurations = methodConfigurations
    let channel = ChannelHandle(
      target: target,
      arguments: configuration.makeArguments(),
      executor: executor
    )
    state = Mutex(State(channel: channel))
  }

  package func config(forMethod descriptor: MethodDescriptor) -> MethodConfig? {
    var name = MethodConfig.Name(
      service: descriptor.service.fullyQualifiedService,
      method: descriptor.method
    )
    if let configuration = methodConfigurations[name] { return configuration }
    name.method = ""
    if let configuration = methodConfigurations[name] { return configuration }
    name.service = ""
    return methodConfigurations[name]
  }
}

// MARK: - Lifetime

extension CoreClientTransport {
  /// Connects at once, then runs until ``beginGracefulShutdown()`` and the end of the last RPC.
  /// Cancelling its task cancels every open RPC and returns.
  package func connect() async throws {
    let channel = try state.withLock { state throws(RPCError) in
      guard !state.hasConnected else {
        throw RPCError(code: .failedPrecondition, message: "The transport is connected already.")
      }
      guard state.phase != .closed else { throw Self.isClosed }
      state.hasConnected = true
      return state.channel
    }
    channel?.connect()
    await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        let isOver = self.state.withLock { state in
          if state.phase == .closed { return true }
          state.connection = continuation
          return false
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      self.cancelOpenCalls()
    }
  }

  /// Whether there is a connection to the server, now or before `timeout` is over; cancellation does
  /// not shorten the wait. Without one an attempt begins at once, whatever pause earlier failures
  /// have earned: for callers that decide by themselves how often to ask.
  package func isConnected(within timeout: Duration) async -> Bool {
    guard let channel = state.withLock({ $0.channel }) else { return false }
    return await channel.becomesReady(before: Deadline.after(timeout))
  }

  package func beginGracefulShutdown() {
    let connection = state.withLock { state in
      guard state.phase == .accepting else { return nil as UnsafeContinuation<Void, Never>? }
      state.phase = .draining
      state.channel = nil
      return Self.closeIfDrained(&state)
    }
    connection?.resume()
  }

  private func cancelOpenCalls() {
    let (calls, connection) = state.withLock { state in
      state.phase = .closed
      state.channel = nil
      return (Array(state.openCalls.values), state.connection.take())
    }
    for call in calls { call.cancel(.cancelled, "The client's transport was cancelled.") }
    connection?.resume()
  }

  private static func closeIfDrained(_ state: inout State) -> UnsafeContinuation<Void, Never>? {
    guard state.phase == .draining, state.openCalls.isEmpty else { return nil }
    state.phase = .closed
    return state.connection.take()
  }

  private static let isClosed = RPCError(
    code: .failedPrecondition,
    message: "The client's transport is closed."
  )
}

// MARK: - Streams

extension CoreClientTransport {
  package func withStream<T: Sendable>(
    descriptor: MethodDescriptor,
    options: CallOptions,
    _ closure:
      @concurrent (
        _ stream: RPCStream<Inbound, Outbound>,
        _ context: ClientContext
      ) async throws -> T
  ) async throws -> T {
    let (id, call) = try openCall(descriptor, options)
    defer { close(id, call) }
    let stream = RPCStream(
      descriptor: descriptor,
      inbound: RPCAsyncSequence(wrapping: ClientInbound(call: call)),
      outbound: RPCWriter.Closable(wrapping: ClientOutbound(call: call))
    )
    let context = ClientContext(descriptor: descriptor, remotePeer: peer, localPeer: "unknown")
    return try await withTaskCancellationHandler {
      try await withTaskExecutorPreference(executor) {
        try await closure(stream, context)
      }
    } onCancel: {
      call.handle.cancel()
    }
  }

  private func openCall(
    _ descriptor: MethodDescriptor,
    _ options: CallOptions
  ) throws(RPCError) -> (id: UInt64, call: ClientCall) {
    try state.withLock { state throws(RPCError) in
      guard let channel = state.channel else { throw Self.isClosed }
      let handle = channel.makeCall(
        method: "/\(descriptor.fullyQualifiedMethod)",
        timeout: options.timeout
      )
      let id = state.nextCallID
      state.nextCallID += 1
      state.openCalls[id] = handle
      let call = ClientCall(
        handle: handle,
        channel: channel,
        descriptor: descriptor,
        options: options
      )
      return (id, call)
    }
  }

  private func close(_ id: UInt64, _ call: ClientCall) {
    call.close()
    let connection = state.withLock { state in
      state.openCalls.removeValue(forKey: id)
      return Self.closeIfDrained(&state)
    }
    connection?.resume()
  }
}
