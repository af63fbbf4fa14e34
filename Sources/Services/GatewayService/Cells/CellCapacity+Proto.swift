package import MeshProtos
import SwiftProtobuf

extension CellCapacity {
  /// What a scheduler's workers can do, by the name of their model.
  package static func byModel(
    _ status: Weft_Scheduler_V1_GetStatusResponse
  ) -> [String: CellCapacity] {
    Dictionary(grouping: status.workers.map(\.capabilities), by: \.model).mapValues { workers in
      CellCapacity(
        workerCount: workers.count,
        tokensPerSecond: workers.reduce(0) { sum, worker in
          let speed = worker.prefillTokensPerSecond
          return sum + (speed > 0 && speed.isFinite ? speed : presumedTokensPerSecond)
        },
        maxSequenceTokens: workers.map { worker in
          // Without a sign: what two numbers of 32 bits give fits, and one more.
          let positions = UInt64(worker.blockCount) * UInt64(worker.blockSize)
          return Int(min(UInt64(worker.contextLength), positions + 1))
        }.max() ?? 0
      )
    }
  }
}
