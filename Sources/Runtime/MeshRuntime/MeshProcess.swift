import Glibc
package import Logging
package import ServiceLifecycle
import UnixSignals

/// Runs a process's services until one of them ends or a signal asks for the end.
package enum MeshProcess {
  /// Runs `services` until SIGTERM or SIGINT, then shuts them down in reverse order.
  ///
  /// - Throws: The error of a service that failed.
  package static func run(_ services: [any Service], logger: Logger) async throws {
    signal(SIGPIPE, SIG_IGN)
    raiseFileDescriptorLimit(logger: logger)
    let group = ServiceGroup(
      configuration: .init(
        services: services.map {
          .init(
            service: $0,
            successTerminationBehavior: .gracefullyShutdownGroup,
            failureTerminationBehavior: .gracefullyShutdownGroup
          )
        },
        gracefulShutdownSignals: [.sigterm, .sigint],
        logger: logger
      )
    )
    try await group.run()
    logger.info("stopped")
  }

  // libgrpc 1.51.1 never accepts again once accept(2) has failed for want of descriptors.
  private static func raiseFileDescriptorLimit(logger: Logger) {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0,
      limit.rlim_cur < limit.rlim_max
    else { return }
    limit.rlim_cur = limit.rlim_max
    if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 {
      logger.warning("cannot raise the file descriptor limit")
    }
  }
}
