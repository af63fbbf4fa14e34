internal import CGRPC

enum Deadline {
  /// Core's deadline for a timeout from now; nil and timeouts of centuries mean never.
  static func after(_ timeout: Duration?) -> gpr_timespec {
    guard let timeout, timeout < .seconds(1 << 32) else { return cgrpc_never() }
    let (seconds, attoseconds) = timeout.components
    return cgrpc_deadline_after(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
  }

  /// The instant of core's deadline, or nil when there is none.
  static func instant(_ deadline: gpr_timespec) -> ContinuousClock.Instant? {
    guard !cgrpc_is_never(deadline) else { return nil }
    return .now + .nanoseconds(cgrpc_nanoseconds_until(deadline))
  }
}
