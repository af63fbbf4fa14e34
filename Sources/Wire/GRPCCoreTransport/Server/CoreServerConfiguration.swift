internal import CGRPC

/// What a server transport accepts and how it ends.
package struct CoreServerConfiguration: Sendable {
  /// Requests above this fail with `resourceExhausted`.
  package var maximumReceiveMessageBytes = 64 << 20
  /// Responses above this fail with `resourceExhausted`; nil for no limit.
  package var maximumSendMessageBytes: Int?
  /// The RPCs that one connection may have open; further ones wait in the client. Nil for no limit.
  package var maximumConcurrentStreams: Int?
  /// The most that one set of metadata may take.
  package var maximumMetadataBytes = 64 << 10
  /// Pings that find out whether a silent client still lives; nil for core's two hours.
  package var keepalive: CoreKeepalive?
  /// The shortest time between pings of a client that sends nothing else.
  package var minimumPingInterval = Duration.seconds(5)
  /// How long open RPCs may go on after graceful shutdown began, before they are cancelled.
  package var shutdownGracePeriod = Duration.seconds(30)
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
    if let maximumConcurrentStreams {
      arguments.set(GRPC_ARG_MAX_CONCURRENT_STREAMS, maximumConcurrentStreams)
    }
    arguments.set(GRPC_ARG_MAX_METADATA_SIZE, maximumMetadataBytes)
    keepalive?.set(in: &arguments)
    arguments.set(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, true)
    arguments.set(
      GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
      milliseconds: minimumPingInterval
    )
    // Clients ping through long silent decodes; core would end their connections for it.
    arguments.set(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0)
    // Two servers on one port would share its connections at random.
    arguments.set(GRPC_ARG_ALLOW_REUSEPORT, false)
    if let unixSendBufferBytes { arguments.setUnixSendBuffer(bytes: unixSendBufferBytes) }
    return arguments
  }
}
