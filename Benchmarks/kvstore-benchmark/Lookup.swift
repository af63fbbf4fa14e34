import ArgumentParser
import GRPCCore
import GRPCCoreTransport
import MeshProtos
import SwiftProtobuf

/// Looks for lists of keys that are all there.
struct Lookup: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print how many lists of keys a second Lookup answers."
  )

  @OptionGroup var options: ClientOptions

  @Option(help: "Keys in a list.")
  var keys = 128

  @Option(help: "Lists in a call.")
  var lists = 1

  @Option(help: "Calls at the same time.")
  var calls = 64

  func run() async throws {
    let samples = SampleBlocks(count: max(keys, options.blocks), blockBytes: options.blockBytes)
    try await withStore(options) { client in
      try await put(
        0..<samples.count,
        of: samples,
        series: 1,
        computesChecksums: false,
        options,
        client
      )
      let request = Weft_Kvstore_V1_LookupRequest.with {
        $0.namespace = options.namespace
        $0.keyLists = Array(
          repeating: SampleBlocks.keys(0..<keys, series: 1),
          count: lists
        )
      }
      let service = Weft_Kvstore_V1_KVStoreService.Client(wrapping: client)
      let listsPerSecond = try await rate(seconds: options.seconds) {
        try await withThrowingTaskGroup(of: Void.self) { group in
          for _ in 0..<calls {
            group.addTask {
              for _ in 0..<16 { try await look(request, service) }
            }
          }
          try await group.waitForAll()
        }
        return calls * 16 * lists
      }
      print("lookup", Int(listsPerSecond))
    }
  }

  private func look(
    _ request: Weft_Kvstore_V1_LookupRequest,
    _ service: Weft_Kvstore_V1_KVStoreService.Client<CoreClientTransport>
  ) async throws {
    let response = try await service.lookup(request)
    guard response.matches.count == lists,
      response.matches.allSatisfy({ $0.blockCount == UInt32(keys) })
    else { throw RPCError(code: .dataLoss, message: "keys are missing") }
  }
}
