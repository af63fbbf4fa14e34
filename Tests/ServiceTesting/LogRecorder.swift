package import Logging
import Synchronization

/// Keeps what is logged: a line for each event, its metadata included.
package final class LogRecorder: Sendable {
  private let recorded = Mutex<[String]>([])

  package init() {}

  /// What was logged so far.
  package var lines: [String] { recorded.withLock(\.self) }

  /// A logger that writes here, whatever the level.
  package var logger: Logger {
    var logger = Logger(label: "test") { _ in Handler(recorder: self) }
    logger.logLevel = .trace
    return logger
  }

  private struct Handler: LogHandler {
    let recorder: LogRecorder
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let line = "\(event.message) \(metadata.merging(event.metadata ?? [:]) { $1 })"
      recorder.recorded.withLock { $0.append(line) }
    }
  }
}
