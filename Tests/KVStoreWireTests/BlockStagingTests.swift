import KVStoreWire
import Testing

@Suite("Staging buffers")
struct BlockStagingTests {
  @Test("are as many as was said, and no more")
  func exhaustion() {
    let staging = BlockStaging(bufferCount: 3, bufferByteCount: 100)
    let taken = (0..<3).map { _ in staging.take() }
    #expect(taken.allSatisfy { $0 != nil })
    #expect(staging.freeCount == 0)
    #expect(staging.take() == nil)
    withExtendedLifetime(taken) {}
  }

  @Test("come back when their last owner goes, be it of the buffer or of its bytes")
  func giving() {
    let staging = BlockStaging(bufferCount: 1, bufferByteCount: 100)
    var buffer = staging.take()
    var bytes = buffer?.bytes
    buffer = nil
    #expect(staging.freeCount == 0)
    var part = bytes?[10..<20]
    bytes = nil
    #expect(staging.take() == nil)
    #expect(part?.byteCount == 10)
    part = nil
    #expect(staging.freeCount == 1)
    buffer = staging.take()
    #expect(buffer != nil)
    buffer = nil
    #expect(staging.freeCount == 1)
  }

  @Test("outlive the staging itself while somebody has one")
  func lifetime() {
    var staging: BlockStaging? = BlockStaging(bufferCount: 2, bufferByteCount: 4)
    let buffer = staging?.take()
    buffer?.write([UInt8](1...4).span.bytes, at: 0)
    staging = nil
    #expect(buffer?.bytes.array == [1, 2, 3, 4])
  }

  @Test("hold what was written to each, whatever is written to the others")
  func contents() {
    let staging = BlockStaging(bufferCount: 4, bufferByteCount: 5000)
    let buffers = (0..<4).compactMap { _ in staging.take() }
    for (number, buffer) in buffers.enumerated() {
      buffer.write([UInt8](repeating: UInt8(number), count: 4900).span.bytes, at: 0)
      buffer.write([UInt8](repeating: UInt8(number + 10), count: 100).span.bytes, at: 4900)
    }
    for (number, buffer) in buffers.enumerated() {
      #expect(
        buffer.bytes.array
          == [UInt8](repeating: UInt8(number), count: 4900)
          + [UInt8](repeating: UInt8(number + 10), count: 100)
      )
    }
    buffers[2].write(0..<2) { $0.storeBytes(of: 0x0101, as: UInt16.self) }
    #expect(buffers[2].bytes[0..<3].array == [1, 1, 2])
    buffers[1].write([UInt8]().span.bytes, at: 5000)
    #expect(buffers[1].bytes.byteCount == 5000)
  }

  @Test("trap what does not fit")
  func room() async {
    await #expect(processExitsWith: .failure) {
      let buffer = BlockStaging(bufferCount: 2, bufferByteCount: 8).take()
      buffer?.write([UInt8](repeating: 0, count: 8).span.bytes, at: 1)
    }
    await #expect(processExitsWith: .failure) {
      let buffer = BlockStaging(bufferCount: 2, bufferByteCount: 8).take()
      buffer?.write([UInt8](repeating: 0, count: 1).span.bytes, at: -1)
    }
  }

  @Test("are taken and given by many tasks, none by two at once")
  func concurrency() async {
    let staging = BlockStaging(bufferCount: 3, bufferByteCount: 8)
    await withDiscardingTaskGroup { group in
      for number in 0..<8 {
        group.addTask { @concurrent in
          let mark = [UInt8](repeating: UInt8(number), count: 8)
          for _ in 0..<500 {
            guard let buffer = staging.take() else { continue }
            buffer.write(mark.span.bytes, at: 0)
            #expect(buffer.bytes.array == mark)
          }
        }
      }
    }
    #expect(staging.freeCount == 3)
  }
}
