package import GRPCCore

/// What this transport knows about an RPC beyond grpc-swift's ``ServerContext``, which holds it as
/// `transportSpecific`.
package struct CoreServerContext: ServerContext.TransportSpecific {
  /// When the client gives up; the RPC is cancelled then. Nil when it waits for ever.
  package let deadline: ContinuousClock.Instant?
  /// The host that the client asked for.
  package let authority: String
}

extension ServerContext {
  /// When the client gives up, which handlers pass on to the calls that they make. Nil when it
  /// waits for ever, or when the transport is another.
  package var deadline: ContinuousClock.Instant? {
    (transportSpecific as? CoreServerContext)?.deadline
  }

  /// The time until ``deadline``, at least zero.
  package var remainingTime: Duration? {
    deadline.map { max(.zero, ContinuousClock.now.duration(to: $0)) }
  }
}
