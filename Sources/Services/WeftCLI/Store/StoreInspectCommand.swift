import ArgumentParser
import MeshTypes

/// `weft store inspect`: checks every record of a store, which may be running.
struct StoreInspectCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Check every record of a store's segments; changes nothing.",
    discussion: """
      Reads whole segments, also of a store that runs. Ends with 1 if anything is damaged: a \
      record that fails its checks, a torn tail, a segment whose header cannot be read.
      """
  )

  @Argument(help: "Directories of segments, or single segment files.")
  var paths: [String]

  @Flag(help: "List every record.")
  var records = false

  @Flag(help: "Print one JSON object a segment and line.")
  var json = false

  func run() async throws {
    let reader = SegmentReader()
    var isIntact = true
    for path in paths {
      try await reportingStatus {
        for location in try await reader.segments(at: path) {
          guard let report = await reader.report(on: location) else { continue }
          isIntact = isIntact && report.isIntact
          Terminal.show(
            json ? try report.json(withRecords: records) : report.text(withRecords: records)
          )
        }
      }
    }
    if !isIntact { throw ExitCode.failure }
  }
}
