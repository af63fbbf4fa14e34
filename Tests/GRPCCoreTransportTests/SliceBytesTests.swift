import GRPCCoreTransport
import Testing

@Suite struct SliceBytesTests {
  private func contents(_ bytes: SliceBytes) -> [UInt8] {
    bytes.withUnsafeBytes { Array($0) }
  }

  @Test(arguments: [0, 1, 22, 23, 24, 1000])
  func holdsRepeatedBytes(count: Int) {
    let bytes = SliceBytes(repeating: 7, count: count)
    #expect(bytes.count == count)
    #expect(contents(bytes) == [UInt8](repeating: 7, count: count))
  }

  @Test(arguments: [0, 1, 22, 23, 24, 1000])
  func holdsASequence(count: Int) {
    let source = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
    #expect(contents(SliceBytes(source)) == source)
    #expect(contents(SliceBytes(source.lazy.filter { _ in true })) == source)
  }

  @Test(arguments: [5, 500])
  func copiesAreIndependent(count: Int) {
    let first = SliceBytes(repeating: 1, count: count)
    var second = first
    second.withUnsafeMutableBytes { $0[0] = 9 }
    #expect(contents(first)[0] == 1)
    #expect(contents(second)[0] == 9)
    #expect(contents(second).dropFirst().allSatisfy { $0 == 1 })
  }

  @Test func readsMayNest() {
    let bytes = SliceBytes([1, 2, 3] as [UInt8])
    let equal = bytes.withUnsafeBytes { outer in
      bytes.withUnsafeBytes { inner in Array(outer) == Array(inner) }
    }
    #expect(equal)
  }
}
