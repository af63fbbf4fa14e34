import ArgumentParser
import MeshTypes
import Simulation

/// `weft simulate`: the scheduler in a simulated mesh of any size. It computes on the calling thread,
/// and needs no service.
struct SimulateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Run the scheduler in a simulated mesh, and print what its users would see.",
    discussion: """
      The scheduler is the real one; workers, network, clients and faults are simulated, event by \
      event, from a seed: the same options print the same figures. Every plan is checked as a worker \
      would have to trust it, every answer against that of an undisturbed run. Ends with 1 if a rule \
      is broken.
      """
  )

  /// Known comparisons.
  enum Table: String, ExpressibleByArgument, CaseIterable {
    /// Ways of choosing workers.
    case routing
    /// Sizes of blocks.
    case blocks
  }

  @OptionGroup(title: "Mesh") var mesh: SimulatedMeshOptions

  @OptionGroup(title: "Requests") var workload: WorkloadOptions

  @OptionGroup(title: "Soak") var soak: SoakOptions

  @Option(help: "The seed of everything that is left to chance.")
  var seed: UInt64 = 1

  @Option(help: "Print a comparison instead of one run: routing or blocks.")
  var table: Table?

  func run() throws {
    do {
      if soak.soak { return try soak.run() }
      let scenario = try scenario()
      switch table {
      case .routing: Terminal.show(try routing(scenario))
      case .blocks: Terminal.show(try blocks(scenario))
      case nil:
        var simulation = try Simulation(scenario)
        Terminal.show(SimulationText.summary(try simulation.run()))
      }
    } catch let error as MeshError {
      Terminal.note("error: \(error)")
      throw ExitCode.failure
    } catch let violation as SimulationViolation {
      Terminal.note("error: a rule is broken \(violation)")
      throw ExitCode.failure
    }
  }

  private func scenario() throws -> SimulationScenario {
    var scenario = SimulationScenario(seed: seed)
    scenario.requests = try workload.requests(seed: seed)
    mesh.apply(to: &scenario)
    return scenario
  }

  private func routing(_ scenario: SimulationScenario) throws -> String {
    let bytes = mesh.storeTokenBytes * mesh.blockSize
    let comparison = try RoutingComparison(scenario, storeBlockBytes: bytes)
    return SimulationText.table(comparison.rows.map { ($0.variant.name, $0.report) })
  }

  private func blocks(_ scenario: SimulationScenario) throws -> String {
    let sizes = [mesh.blockSize, 2 * mesh.blockSize, 8 * mesh.blockSize, mesh.contextTokens]
    let comparison = try BlockComparison(scenario, blockSizes: sizes)
    return SimulationText.table(
      comparison.rows.map { row in
        let isContiguous = row.blockSizeTokens == mesh.contextTokens
        let name = "blocks of \(row.blockSizeTokens)"
        return (isContiguous ? "contiguous, \(row.blockSizeTokens)" : name, row.report)
      }
    )
  }
}
