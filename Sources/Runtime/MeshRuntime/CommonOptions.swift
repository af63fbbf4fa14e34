package import ArgumentParser
package import Configuration
package import Logging
package import MeshTypes
package import ServiceLifecycle

/// The flags that every executable understands.
package struct CommonOptions: ParsableArguments {
  @Option(help: "A YAML file with settings (WEFT_CONFIG).")
  package var config: String?

  @Option(help: "trace, debug, info, notice, warning or error (WEFT_LOG_LEVEL; default info).")
  package var logLevel: String?

  @Option(help: "text or json (WEFT_LOG_FORMAT; default text).")
  package var logFormat: String?

  @Option(help: "How long calls may go on when asked to stop (WEFT_SHUTDOWN_GRACE_SECONDS).")
  package var shutdownGraceSeconds: Int?

  @Flag(help: .hidden)
  package var stopWithStandardInput = false

  package init() {}

  /// What to run besides the executable's own services.
  package var services: [any Service] { stopWithStandardInput ? [ParentWatch()] : [] }

  /// Reads the settings around `flags` and sets up logging to standard error.
  ///
  /// - Parameters:
  ///   - flags: The executable's own flags, by setting name.
  ///   - service: The name that log lines carry.
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting at fault.
  package func prepare(
    service: String,
    flags: [String: ConfigContent?]
  ) async throws(MeshError) -> (settings: SettingsReader, logger: Logger) {
    let environmentFile = try await SettingsReader(flags: [:], filePath: nil).text("config")
    let settings = try await SettingsReader(
      flags: flags.merging([
        "log-level": logLevel.map { .string($0) }, "log-format": logFormat.map { .string($0) },
        "shutdown-grace-seconds": shutdownGraceSeconds.map { .int($0) },
      ]) { first, _ in first },
      filePath: config ?? environmentFile
    )
    let levelName = try await settings.text("log-level") ?? "info"
    guard let level = Logger.Level(rawValue: levelName) else {
      let names = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
      throw .invalid("log-level", "must be one of \(names), got \"\(levelName)\"")
    }
    let formatName = try await settings.text("log-format") ?? "text"
    guard let format = LogFormat(rawValue: formatName) else {
      throw .invalid("log-format", "must be text or json, got \"\(formatName)\"")
    }
    return (settings, format.makeLogger(label: service, level: level))
  }
}
