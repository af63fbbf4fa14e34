import ArgumentParser
import GRPCCore
import GRPCCoreTransport
import MeshRuntime

/// Serves Get, Put and Lookup from preallocated memory.
struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serve blocks from preallocated memory until the process is ended."
  )

  @Option(help: "HOST:PORT or unix:PATH.")
  var listen: String

  @Option(help: "A block's bytes.")
  var blockBytes = 368_640

  @Option(help: "How many blocks there is room for; then the oldest goes.")
  var capacityBlocks = 512

  @Flag(inversion: .prefixedNo, help: "Compare every written block with its checksum.")
  var checksums = true

  func run() async throws {
    let store = PreallocatedStore(
      blockBytes: blockBytes,
      capacityBlocks: capacityBlocks,
      verifiesChecksums: checksums
    )
    let transport = CoreServerTransport(
      address: try TransportAddress(parsing: listen, field: "listen")
    )
    try await GRPCServer(transport: transport, services: [BenchmarkService(store: store)]).serve()
  }
}
