internal import CGRPC
package import GRPCCore

/// How a client transport connects and what it accepts.
package struct CoreClientConfiguration: Sendable {
  /// Responses above this fail with `resourceExhausted`.
  package var maximumReceiveMessageBytes = 64 << 20
  /// Requests above this fail with `resourceExhausted`; nil for no limit.
  package var maximumSendMessageBytes: Int?
  /// Pings that find out whether a silent server still lives; nil for none.
  package var keepalive: CoreKeepalive?
  /// The name that servers see as the host; nil for the target's.
  package var authority: String?
  /// Timeouts, limits and retry policies per method, applied by grpc-swift.
  package var serviceConfig = ServiceConfig()
  /// Service configuration in JSON for core: load balancing and health checking of servers. Must
  /// not hold a retry policy if ``serviceConfig`` does.
  package var coreServiceConfigJSON: String?
  /// Whether core sends a request again that certainly did not reach a server.
  package var retriesTransparently = true
  /// How long one attempt to connect may take.
  package var connectTimeout = Duration.seconds(10)
  /// The wait before the second attempt to connect; it grows to the maximum.
  package var initialReconnectBackoff = Duration.milliseconds(100)
  /// The longest wait between attempts to connect.
  package var maximumReconnectBackoff = Duration.seconds(5)
  /// The send buffer of unix sockets. With the system's 208 KiB writer and reader of large messages
  /// take turns; with this they overlap. A reader that stops holds back about this much more. The
  /// system limits it (net.core.wmem_max); nil for the system's own. TCP sizes its buffers itself.
  package var unixSendBufferBytes: Int? = 1 << 20

  /// The defaults.
  package init() {}

  func makeArguments() -> ChannelArguments {
    var arguments = ChannelArguments()
    arguments.set(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, maximumReceiveMessageBytes)
    arguments.set(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, maximumSendMessageBytes ?? -1)
    keepalive?.set(in: &arguments)
    if let authority { arguments.set(GRPC_ARG_DEFAULT_AUTHORITY, authority) }
    if let coreServiceConfigJSON { arguments.set(GRPC_ARG_SERVICE_CONFIG, coreServiceConfigJSON) }
    arguments.set(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, true)
    arguments.set(GRPC_ARG_ENABLE_RETRIES, retriesTransparently)
    arguments.set(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, milliseconds: initialReconnectBackoff)
    // The name misleads: core gives each attempt this long.
    arguments.set(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, milliseconds: connectTimeout)
    arguments.set(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, milliseconds: maximumReconnectBackoff)
    // Mesh traffic must not wander through a proxy that the environment names.
    arguments.set(GRPC_ARG_ENABLE_HTTP_PROXY, false)
    // Each transport has its own connections, whatever others connect to.
    arguments.set(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, true)
    if let unixSendBufferBytes { arguments.setUnixSendBuffer(bytes: unixSendBufferBytes) }
    return arguments
  }
}

/// HTTP/2 pings on an otherwise silent connection.
package struct CoreKeepalive: Sendable, Hashable {
  /// The silence after which a ping is sent.
  package var interval: Duration
  /// How long the answer may take before the connection is given up.
  package var timeout: Duration
  /// Whether to ping while no RPC is open.
  package var pingsWithoutCalls: Bool

  /// A ping after `interval` of silence, answered within `timeout`.
  package init(
    interval: Duration,
    timeout: Duration = .seconds(20),
    pingsWithoutCalls: Bool = true
  ) {
    self.interval = interval
    self.timeout = timeout
    self.pingsWithoutCalls = pingsWithoutCalls
  }

  func set(in arguments: inout ChannelArguments) {
    arguments.set(GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds: interval)
    arguments.set(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, milliseconds: timeout)
    arguments.set(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, pingsWithoutCalls)
    arguments.set(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0)
  }
}
