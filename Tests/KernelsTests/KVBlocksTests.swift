import Kernels
import MeshTypes
import Testing

@Suite("KV blocks for those who move them")
struct KVBlocksTests {
  private static let layout = KVMemory.Layout(
    layerCount: 2,
    kvHeadCount: 1,
    headDimension: 16,
    blockSizeTokens: 16
  )

  private static func memory() throws -> KVMemory {
    try KVMemory(layout: layout, blockCount: 4, engine: KernelEngine(threadCount: 1))
  }

  private static func array(_ span: RawSpan) -> [UInt8] {
    (0..<span.byteCount).map { span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
  }

  @Test("are the memory's own: what is written to one is there, and in no other")
  func writing() throws {
    let memory = try Self.memory()
    let blocks = memory.blocks
    #expect(blocks.blockCount == 4)
    #expect(blocks.blockByteCount == Self.layout.blockByteCount)
    blocks.write(BlockID(2)) { bytes in
      #expect(bytes.byteCount == blocks.blockByteCount)
      for offset in 0..<bytes.byteCount {
        bytes.storeBytes(
          of: UInt8(truncatingIfNeeded: offset),
          toByteOffset: offset,
          as: UInt8.self
        )
      }
    }
    let written = (0..<blocks.blockByteCount).map { UInt8(truncatingIfNeeded: $0) }
    #expect(blocks.read(BlockID(2)) { Self.array($0) } == written)
    #expect(memory.withBlock(BlockID(2)) { Array($0) } == written)
    for other in [0, 1, 3] as [UInt32] {
      #expect(blocks.read(BlockID(other)) { Self.array($0) }.allSatisfy { $0 == 0 })
    }
  }

  @Test("show what is written to the memory, and outlive it")
  func reading() throws {
    var memory: KVMemory? = try Self.memory()
    let blocks = try #require(memory?.blocks)
    memory?.withBlock(BlockID(3)) { $0[5] = 77 }
    memory = nil
    #expect(blocks.read(BlockID(3)) { $0.unsafeLoad(fromByteOffset: 5, as: UInt8.self) } == 77)
  }

  @Test(
    "are copied as a whole, in whatever format, and nothing else is",
    arguments: KVType.allCases
  )
  func copying(type: KVType) throws {
    var layout = Self.layout
    layout.type = type
    let memory = try KVMemory(
      layout: layout,
      blockCount: 4,
      engine: KernelEngine(threadCount: 1)
    )
    for block in 0..<4 as Range<UInt32> {
      memory.withBlock(BlockID(block)) { bytes in
        for offset in bytes.indices { bytes[offset] = UInt8((offset + Int(block) * 50) % 251) }
      }
    }
    let before = (0..<4).map { block in memory.withBlock(BlockID(block)) { Array($0) } }
    memory.blocks.copy(BlockID(3), to: BlockID(1))
    let after = (0..<4).map { block in memory.withBlock(BlockID(block)) { Array($0) } }
    #expect(after == [before[0], before[3], before[2], before[3]])
    memory.blocks.copy(BlockID(2), to: BlockID(2))
    #expect(memory.withBlock(BlockID(2)) { Array($0) } == before[2])
  }

  @Test("that do not exist trap")
  func bounds() async {
    await #expect(processExitsWith: .failure) {
      guard let blocks = try? Self.memory().blocks else { return }
      blocks.read(BlockID(4)) { _ in }
    }
    await #expect(processExitsWith: .failure) {
      guard let blocks = try? Self.memory().blocks else { return }
      blocks.write(BlockID(.max)) { _ in }
    }
  }
}
