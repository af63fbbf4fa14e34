import ArgumentParser
import GRPCCore
import KVStoreWire
import MeshProtos
import SwiftProtobuf

/// Reads the same blocks again and again.
struct Get: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print how many MB a second Get brings."
  )

  @OptionGroup var options: ClientOptions

  @Option(help: "Calls at the same time.")
  var calls = 1

  @Flag(help: "Also copy every block to one place, as a worker does.")
  var copy = false

  func run() async throws {
    let samples = SampleBlocks(count: options.blocks, blockBytes: options.blockBytes)
    try await withStore(options) { client in
      try await put(
        0..<samples.count,
        of: samples,
        series: 1,
        computesChecksums: false,
        options,
        client
      )
      let request = Weft_Kvstore_V1_GetRequest.with {
        $0.namespace = options.namespace
        $0.keys = SampleBlocks.keys(0..<samples.count, series: 1)
      }
      let checks = options.checksums
      let copies = copy
      let bytesPerSecond = try await rate(seconds: options.seconds) {
        try await withThrowingTaskGroup(of: Int.self) { group in
          for _ in 0..<calls {
            group.addTask {
              try await Weft_Kvstore_V1_KVStoreService.getBlocks(request, on: client) { response in
                var reader = BlockReader(samples: samples, checks: checks, copies: copies)
                for try await block in response.messages { try reader.read(block) }
                return try reader.finish()
              }
            }
          }
          return try await group.reduce(0, +)
        }
      }
      print("get", Int(bytesPerSecond / 1e6))
    }
  }
}

/// What a client does with the blocks that it asked for.
struct BlockReader {
  private let samples: SampleBlocks
  private let checks: Bool
  private var room: [UInt8]
  private var byteCount = 0

  init(samples: SampleBlocks, checks: Bool, copies: Bool) {
    self.samples = samples
    self.checks = checks
    room = copies ? [UInt8](repeating: 1, count: samples.blockBytes) : []
  }

  mutating func read(_ block: GotBlock) throws {
    var checksum = block.checksum
    if !room.isEmpty {
      let copied = copy(block.payload, into: &room)
      if checks { checksum = copied }
    } else if checks {
      checksum = block.payload.checksum()
    }
    guard checksum == samples.checksums[Int(block.keyIndex)],
      block.payload.byteCount == samples.blockBytes
    else { throw RPCError(code: .dataLoss, message: "block \(block.keyIndex) is wrong") }
    byteCount += block.payload.byteCount
  }

  /// The bytes that were read.
  func finish() throws -> Int {
    guard byteCount == samples.count * samples.blockBytes else {
      throw RPCError(code: .dataLoss, message: "blocks are missing")
    }
    return byteCount
  }
}

/// Copies a block and sums it up.
private func copy(_ payload: BlockBytes, into room: inout [UInt8]) -> UInt32 {
  var bytes = room.mutableSpan
  var target = bytes.mutableBytes
  return payload.copyWithChecksum(into: &target)
}
