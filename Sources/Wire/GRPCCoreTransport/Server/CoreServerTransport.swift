package import GRPCCore
import Synchronization

/// grpc-swift's server transport over libgrpc's C core.
///
/// Handlers run on the transport's ``CompletionQueueExecutor``, and so do their child tasks: they
/// must not block. When a client cancels, its deadline passes or its connection breaks, the RPC's
/// cancellation handle fires and the handler's task is cancelled.
package final class CoreServerTransport: ServerTransport {
  package typealias Bytes = SliceBytes

  private typealias AddressWaiter = CheckedContinuation<[TransportAddress], any Error>

  private enum Phase {
    /// `listen` has not been called. Transitions to `starting` or `stopped`.
    case idle
    /// The addresses are being bound. Transitions to `listening` or `stopped`.
    case starting(shutdownRequested: Bool)
    /// Transitions to `stopped`.
    case listening(ServerHandle, [TransportAddress])
    case stopped(RPCError)
  }

  private struct State {
    var phase = Phase.idle
    var descriptors: [String: MethodDescriptor] = [:]
    var addressWaiters: [AddressWaiter] = []
  }

  private let addresses: [TransportAddress]
  private let configuration: CoreServerConfiguration
  private let executor: CompletionQueueExecutor
  private let state = Mutex(State())

  /// A transport that will listen on all of `addresses`.
  package init(
    addresses: [TransportAddress],
    configuration: CoreServerConfiguration = CoreServerConfiguration(),
    executor: CompletionQueueExecutor = .shared
  ) {
    precondition(!addresses.isEmpty, "a server needs an address")
    self.addresses = addresses
    self.configuration = configuration
    self.executor = executor
  }

  /// A transport that will listen on `address`.
  package convenience init(
    address: TransportAddress,
    configuration: CoreServerConfiguration = CoreServerConfiguration(),
    executor: CompletionQueueExecutor = .shared
  ) {
    self.init(addresses: [address], configuration: configuration, executor: executor)
  }

  /// Learns which methods have a single request or response message.
  package func configure(context: GRPCServerContext) {
    state.withLock { state in
      for method in context.methods {
        state.descriptors["/\(method.fullyQualifiedMethod)"] = method
      }
    }
  }

  // MARK: Addresses

  /// The first of ``listeningAddresses``.
  package var listeningAddress: TransportAddress {
    get async throws {
      // There is at least one address by the initialiser's precondition.
      try await listeningAddresses[0]
    }
  }

  /// The addresses with the ports that were chosen, once the server listens.
  ///
  /// - Throws: `unavailable` when an address could not be bound or the server has stopped.
  package var listeningAddresses: [TransportAddress] {
    get async throws {
      try await withCheckedThrowingContinuation { waiter in
        let known = self.state.withLock { state -> Result<[TransportAddress], any Error>? in
          switch state.phase {
          case .idle, .starting:
            state.addressWaiters.append(waiter)
            return nil
          case .listening(_, let addresses): return .success(addresses)
          case .stopped(let error): return .failure(error)
          }
        }
        if let known { waiter.resume(with: known) }
      }
    }
  }

  // MARK: Lifetime

  /// Binds the addresses and serves until ``beginGracefulShutdown()`` has run its course. Cancelling
  /// its task cancels every RPC.
  ///
  /// - Throws: `unavailable` when an address cannot be bound.
  package func listen(
    streamHandler:
      @escaping @concurrent @Sendable (
        _ stream: RPCStream<Inbound, Outbound>,
        _ context: ServerContext
      ) async -> Void
  ) async throws {
    guard try beginStarting() else { return }
    let server = ServerHandle(arguments: configuration.makeArguments(), executor: executor)
    let bound: [TransportAddress]
    do {
      bound = try addresses.map { address throws(RPCError) in try server.bind(address) }
    } catch {
      server.beginShutdown()
      await server.awaitDrained()
      becomeStopped(error)
      throw error
    }
    server.start()
    if becomeListening(server, bound) { server.beginShutdown() }
    await withTaskCancellationHandler {
      await withTaskExecutorPreference(executor) {
        await serve(server, localPeer: bound[0].peerDescription, streamHandler)
      }
    } onCancel: {
      server.beginShutdown()
      server.cancelAllCalls()
    }
    becomeStopped(Self.hasStopped)
  }

  package func beginGracefulShutdown() {
    let (server, waiters) = state.withLock { state -> (ServerHandle?, [AddressWaiter]) in
      switch state.phase {
      case .idle:
        state.phase = .stopped(Self.hasStopped)
        let waiters = state.addressWaiters
        state.addressWaiters = []
        return (nil, waiters)
      case .starting:
        state.phase = .starting(shutdownRequested: true)
        return (nil, [])
      case .listening(let server, _): return (server, [])
      case .stopped: return (nil, [])
      }
    }
    server?.beginShutdown()
    for waiter in waiters { waiter.resume(throwing: Self.hasStopped) }
  }

  private static let hasStopped = RPCError(code: .unavailable, message: "The server has stopped.")

  /// - Returns: False when the server was stopped before it began.
  private func beginStarting() throws(RPCError) -> Bool {
    try state.withLock { state throws(RPCError) in
      switch state.phase {
      case .idle:
        state.phase = .starting(shutdownRequested: false)
        return true
      case .stopped: return false
      case .starting, .listening:
        throw RPCError(code: .failedPrecondition, message: "The server is listening already.")
      }
    }
  }

  /// - Returns: Whether shutdown was requested meanwhile.
  private func becomeListening(_ server: ServerHandle, _ addresses: [TransportAddress]) -> Bool {
    let (shutdownRequested, waiters) = state.withLock { state in
      var shutdownRequested = false
      if case .starting(true) = state.phase { shutdownRequested = true }
      state.phase = .listening(server, addresses)
      let waiters = state.addressWaiters
      state.addressWaiters = []
      return (shutdownRequested, waiters)
    }
    for waiter in waiters { waiter.resume(returning: addresses) }
    return shutdownRequested
  }

  private func becomeStopped(_ error: RPCError) {
    let waiters = state.withLock { state in
      state.phase = .stopped(error)
      let waiters = state.addressWaiters
      state.addressWaiters = []
      return waiters
    }
    for waiter in waiters { waiter.resume(throwing: error) }
  }
}

// MARK: - Serving

extension CoreServerTransport {
  private typealias StreamHandler =
    @concurrent @Sendable (RPCStream<Inbound, Outbound>, ServerContext) async -> Void

  /// Accepts calls until shutdown begins, then waits for the open ones, at most the grace period.
  private func serve(
    _ server: ServerHandle,
    localPeer: String,
    _ streamHandler: @escaping StreamHandler
  ) async {
    let descriptors = state.withLock { $0.descriptors }
    await withDiscardingTaskGroup { calls in
      while let incoming = await server.nextCall() {
        calls.addTask {
          let descriptor = descriptors[incoming.path] ?? Self.descriptor(ofPath: incoming.path)
          await Self.handle(incoming, descriptor, localPeer: localPeer, streamHandler)
        }
      }
      await withDiscardingTaskGroup { timers in
        timers.addTask {
          try? await Task.sleep(for: self.configuration.shutdownGracePeriod)
          if !Task.isCancelled { server.cancelAllCalls() }
        }
        await server.awaitDrained()
        timers.cancelAll()
      }
    }
  }

  private static func handle(
    _ incoming: IncomingCall,
    _ descriptor: MethodDescriptor,
    localPeer: String,
    _ streamHandler: @escaping StreamHandler
  ) async {
    let handle = incoming.takeCall()
    let call = ServerCall(
      handle: handle,
      descriptor: descriptor,
      metadata: incoming.copyMetadata()
    )
    let stream = RPCStream(
      descriptor: descriptor,
      inbound: RPCAsyncSequence(wrapping: ServerInbound(call: call)) as Inbound,
      outbound: RPCWriter.Closable(wrapping: ServerOutbound(call: call))
    )
    await withServerContextRPCCancellationHandle { cancellation in
      var context = ServerContext(
        descriptor: descriptor,
        remotePeer: handle.peer,
        localPeer: localPeer,
        cancellation: cancellation
      )
      context.transportSpecific = CoreServerContext(
        deadline: incoming.deadline,
        authority: incoming.authority
      )
      await withDiscardingTaskGroup { [context] group in
        group.addTask {
          await streamHandler(stream, context)
          call.handlerReturned()
        }
        if await !call.end() {
          cancellation.cancel()
          group.cancelAll()
        }
      }
    }
    call.release()
  }

  /// - Parameter path: As in `/package.Service/Method`.
  private static func descriptor(ofPath path: String) -> MethodDescriptor {
    let name = path.drop { $0 == "/" }
    guard let slash = name.lastIndex(of: "/") else {
      return MethodDescriptor(fullyQualifiedService: "", method: String(name))
    }
    return MethodDescriptor(
      fullyQualifiedService: String(name[..<slash]),
      method: String(name[name.index(after: slash)...])
    )
  }
}
