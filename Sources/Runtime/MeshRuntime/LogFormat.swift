import Glibc
package import Logging
import SystemPackage

/// How log lines look on standard error.
package enum LogFormat: String, Sendable {
  /// swift-log's own line: time, level, label, key=value metadata, message.
  case text
  /// One JSON object a line.
  case json

  /// A logger in this format.
  package func makeLogger(label: String, level: Logger.Level) -> Logger {
    var logger =
      switch self {
      case .text: Logger(label: label) { StreamLogHandler.standardError(label: $0) }
      case .json: Logger(label: label) { JSONLogHandler(label: $0) }
      }
    logger.logLevel = level
    return logger
  }
}

/// Writes each event as one JSON object on a line of its own to standard error.
package struct JSONLogHandler: LogHandler {
  private var label: String
  package var metadata: Logger.Metadata = [:]
  package var logLevel: Logger.Level = .info

  package init(label: String) { self.label = label }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    let line = Self.line(
      label: label,
      event: event,
      metadata: metadata,
      time: Self.timestamp()
    )
    _ = try? FileDescriptor.standardError.writeAll(line.utf8)
  }

  /// The event's line, keys in a fixed order, metadata keys sorted.
  package static func line(
    label: String,
    event: LogEvent,
    metadata: Logger.Metadata,
    time: String
  ) -> String {
    var fields = [
      ("time", time), ("level", event.level.rawValue), ("service", label),
      ("message", "\(event.message)"),
    ]
    let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
    fields += all.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
    let body = fields.map { "\(quoted($0.0)):\(quoted($0.1))" }.joined(separator: ",")
    return "{\(body)}\n"
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20:
        let hex = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  private static func timestamp() -> String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var parts = tm()
    gmtime_r(&now.tv_sec, &parts)
    func padded(_ number: Int32, _ width: Int = 2) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    let date = "\(parts.tm_year + 1900)-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))"
    let clock = "\(padded(parts.tm_hour)):\(padded(parts.tm_min)):\(padded(parts.tm_sec))"
    return "\(date)T\(clock).\(padded(Int32(now.tv_nsec / 1_000_000), 3))Z"
  }
}
