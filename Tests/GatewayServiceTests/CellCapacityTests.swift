import GatewayService
import MeshProtos
import SwiftProtobuf
import Testing

@Suite("What a scheduler says of its workers")
struct CellCapacityTests {
  private func capacity(context: UInt32, blocks: UInt32, of blockSize: UInt32) -> CellCapacity? {
    let status = Weft_Scheduler_V1_GetStatusResponse.with {
      $0.workers = [
        .with {
          $0.capabilities.model = "m"
          $0.capabilities.contextLength = context
          $0.capabilities.blockCount = blocks
          $0.capabilities.blockSize = blockSize
        }
      ]
    }
    return CellCapacity.byModel(status)["m"]
  }

  @Test("bounds a sequence by the context and by the memory, the last token aside")
  func sizes() {
    #expect(capacity(context: 100, blocks: 10, of: 16)?.maxSequenceTokens == 100)
    #expect(capacity(context: 1000, blocks: 10, of: 16)?.maxSequenceTokens == 161)
    #expect(capacity(context: 0, blocks: 0, of: 0)?.maxSequenceTokens == 0)
  }

  @Test("may be any numbers")
  func extremes() {
    let capacity = capacity(context: .max, blocks: .max, of: .max)
    #expect(capacity?.maxSequenceTokens == Int(UInt32.max))
  }
}
