import ArgumentParser
import FoundationEssentials
import MeshTypes
import Simulation

/// The requests: made up by chance, or replayed.
struct WorkloadOptions: ParsableArguments {
  /// How requests follow each other.
  enum Arrival: String, ExpressibleByArgument, CaseIterable {
    case poisson
    case bursts
    case atOnce = "at-once"
  }

  @Option(help: "Requests; of a trace, the most that are read.")
  var requests = 1000

  @Option(help: "How they come: poisson, bursts or at-once.")
  var arrival = Arrival.poisson

  @Option(help: "Requests, or bursts, a second.")
  var rate = 8.0

  @Option(help: "Requests in a burst.")
  var burstSize = 16

  @Option(help: "Tokens of a prompt, on average.")
  var promptTokens = 200

  @Option(help: "Tokens of an answer, on average.")
  var outputTokens = 64

  @Option(help: "The most tokens that a client takes.")
  var maxTokens = 512

  @Option(help: "Tokens that begin every prompt of a group.")
  var sharedPrefix = 0

  @Option(help: "Groups with a prefix of their own.")
  var prefixGroups = 1

  @Option(help: "A trace in Mooncake's format to replay instead.")
  var trace: String?

  @Option(help: "How many times as fast a trace is replayed.")
  var traceSpeed = 1.0

  @Option(help: "How many times as short a trace's texts are; a divisor of 512.")
  var shrink = 1

  func validate() throws {
    guard requests >= 1, rate.isFinite, rate > 0, traceSpeed.isFinite, traceSpeed > 0 else {
      throw ValidationError("--requests, --rate and --trace-speed must be greater than 0")
    }
    guard burstSize >= 1, promptTokens >= 1, outputTokens >= 1, maxTokens >= 1, sharedPrefix >= 0,
      prefixGroups >= 1
    else { throw ValidationError("sizes must be at least 1") }
    guard shrink >= 1, MooncakeTrace.blockTokens % shrink == 0 else {
      throw ValidationError("--shrink must divide \(MooncakeTrace.blockTokens), got \(shrink)")
    }
  }

  func requests(seed: UInt64) throws -> [SimulatedRequest] {
    if let trace {
      return try MooncakeTrace(parsing: Self.read(trace), limit: requests)
        .requests(speed: traceSpeed, shrink: shrink)
    }
    var workload = Workload()
    workload.requestCount = requests
    workload.arrivals =
      switch arrival {
      case .poisson: .poisson(perSecond: rate)
      case .bursts: .bursts(size: burstSize, perSecond: rate)
      case .atOnce: .atOnce
      }
    workload.meanPromptTokens = promptTokens
    workload.meanOutputTokens = outputTokens
    workload.maxTokens = maxTokens
    workload.sharedPrefixTokens = sharedPrefix
    workload.prefixGroups = prefixGroups
    workload.maxPromptTokens = sharedPrefix + 8 * promptTokens
    return workload.requests(seed: seed)
  }

  private static func read(_ path: String) throws -> [UInt8] {
    do {
      return Array(try Data(contentsOf: URL(filePath: path)))
    } catch {
      throw MeshError(.notFound, "cannot read '\(path)': \(error)", field: "trace")
    }
  }
}
