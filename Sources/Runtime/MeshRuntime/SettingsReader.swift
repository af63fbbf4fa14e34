package import Configuration
package import GRPCCoreTransport
package import MeshTypes
import SystemPackage

/// Reads an executable's settings: a flag wins over the environment, the environment over the
/// configuration file, the file over the default.
///
/// A setting `max-batch-tokens` is the flag `--max-batch-tokens`, the environment variable
/// `WEFT_MAX_BATCH_TOKENS` and the key `max-batch-tokens` at the top of the YAML file.
package struct SettingsReader: Sendable {
  private let flags: ConfigReader
  private let environment: ConfigReader
  private let file: ConfigReader?

  /// Creates a reader.
  ///
  /// - Parameters:
  ///   - flags: The values given on the command line, by setting name; absent ones are nil.
  ///   - environment: The process's environment, or a test's.
  ///   - filePath: A YAML file that must exist, or nil.
  /// - Throws: ``MeshError`` `invalidArgument` if the file cannot be read or parsed.
  package init(
    flags: [String: ConfigContent?],
    environment: EnvironmentVariablesProvider = EnvironmentVariablesProvider(),
    filePath: String?
  ) async throws(MeshError) {
    var values: [AbsoluteConfigKey: ConfigValue] = [:]
    for case (let name, let content?) in flags {
      values[AbsoluteConfigKey([name])] = ConfigValue(content, isSecret: false)
    }
    self.flags = ConfigReader(provider: InMemoryProvider(name: "flags", values: values))
    self.environment = ConfigReader(provider: environment)
    guard let filePath else {
      self.file = nil
      return
    }
    do {
      self.file = ConfigReader(
        provider: try await FileProvider<YAMLSnapshot>(filePath: FilePath(filePath))
      )
    } catch {
      let reason = "\(error)".split(whereSeparator: \.isNewline).joined(separator: "; ")
      throw .invalid("config", "cannot be read as YAML from \(filePath): \(reason)")
    }
  }

  /// A text, or nil if it is set nowhere.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting if it is not a text.
  package func text(_ name: String) async throws(MeshError) -> String? {
    try await value(name) { (reader, key) in try await reader.fetchString(forKey: key) }
  }

  /// A whole number, or nil if it is set nowhere.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting and `range`.
  package func integer(
    _ name: String,
    in range: ClosedRange<Int>
  ) async throws(MeshError) -> Int? {
    let found = try await value(name) { (reader, key) in try await reader.fetchInt(forKey: key) }
    guard let found else { return nil }
    guard range.contains(found) else {
      throw .invalid(
        name,
        "must be in \(range.lowerBound)...\(range.upperBound), got \(found)"
      )
    }
    return found
  }

  /// A number, or nil if it is set nowhere.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting and `range`.
  package func number(
    _ name: String,
    in range: ClosedRange<Double>
  ) async throws(MeshError) -> Double? {
    let found = try await value(name) { (reader, key) in try await reader.fetchDouble(forKey: key) }
    guard let found else { return nil }
    guard range.contains(found) else {
      throw .invalid(
        name,
        "must be in \(range.lowerBound)...\(range.upperBound), got \(found)"
      )
    }
    return found
  }

  /// One of the values of a type, by its name, or nil if it is set nowhere.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting and the values.
  package func choice<Value: RawRepresentable<String> & CaseIterable>(
    _ name: String
  ) async throws(MeshError) -> Value? {
    guard let text = try await text(name) else { return nil }
    guard let value = Value(rawValue: text) else {
      throw .invalid(
        name,
        "must be one of \(Value.allCases.map(\.rawValue)), got \"\(text.prefix(100))\""
      )
    }
    return value
  }

  /// An address, or nil if it is set nowhere.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting.
  package func address(_ name: String) async throws(MeshError) -> TransportAddress? {
    guard let text = try await text(name) else { return nil }
    return try TransportAddress(parsing: text, field: name)
  }

  /// Addresses with commas between them, each once, or nil if they are set nowhere.
  ///
  /// - Parameter maximumCount: The most of them.
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting.
  package func addresses(
    _ name: String,
    upTo maximumCount: Int
  ) async throws(MeshError) -> [TransportAddress]? {
    guard let text = try await text(name) else { return nil }
    var addresses: [TransportAddress] = []
    for part in text.split(separator: ",") {
      let trimmed = String(part.drop { $0 == " " }.prefix { $0 != " " })
      let address = try TransportAddress(parsing: trimmed, field: name)
      guard !addresses.contains(address) else {
        throw .invalid(name, "must have each address once, got \(address) twice")
      }
      addresses.append(address)
    }
    guard addresses.count <= maximumCount else {
      throw .invalid(name, "must have at most \(maximumCount) addresses, got \(addresses.count)")
    }
    return addresses
  }

  private func value<Value>(
    _ name: String,
    _ fetch: (ConfigReader, ConfigKey) async throws -> Value?
  ) async throws(MeshError) -> Value? {
    do {
      if let found = try await fetch(flags, ConfigKey([name])) { return found }
      let words = name.split(separator: "-").map(String.init)
      if let found = try await fetch(environment, ConfigKey(["weft"] + words)) { return found }
      if let file { return try await fetch(file, ConfigKey([name])) }
      return nil
    } catch {
      throw .invalid(name, "cannot be read: \(error)")
    }
  }
}
