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

  // MARK: Pieces

  /// 0…99 in three pieces, the middle one empty, after a header.
  private func inPieces() -> SliceBytes {
    let parts = [SliceBytes(3..<20), SliceBytes([] as [UInt8]), SliceBytes(20..<100)]
    return SliceBytes(header: [0, 1, 2], pieces: parts.map { $0.piece(at: 0) })
  }

  @Test func piecesAreOneMessage() {
    let bytes = inPieces()
    #expect(bytes.count == 100)
    #expect(bytes.pieceCount == 4)
    #expect((0..<4).map { Array(bytes.piece(at: $0).bytes).count } == [3, 17, 0, 80])
    #expect(contents(bytes) == Array(0..<100))
    // Joined once, the same from then on.
    #expect(contents(bytes) == Array(0..<100))
  }

  @Test func writingToPiecesLeavesOtherCopiesAlone() {
    let first = inPieces()
    var second = first
    second.withUnsafeMutableBytes { $0[50] = 255 }
    #expect(contents(first) == Array(0..<100))
    #expect(contents(second)[50] == 255)
    #expect(second.count == 100)
    #expect(second.pieceCount == 1)
  }

  @Test func aPieceOutlivesItsMessage() {
    var bytes: SliceBytes? = SliceBytes(repeating: 5, count: 10)
    let piece = bytes?.piece(at: 0)
    bytes = nil
    withExtendedLifetime(piece) {
      #expect(piece.map { Array($0.bytes) } == [UInt8](repeating: 5, count: 10))
    }
  }

  @Test func lentBytesAreNotWrittenTo() {
    var bytes = SliceBytes(repeating: 5, count: 100)
    let piece = bytes.piece(at: 0)
    bytes.withUnsafeMutableBytes { $0[0] = 6 }
    withExtendedLifetime(piece) { #expect(piece.bytes[0] == 5) }
    #expect(contents(bytes)[0] == 6)
  }

  @Test func ownersLiveUntilTheLastCopyIsGone() {
    final class Owner: Sendable {
      let released: Counter
      init(_ released: Counter) { self.released = released }
      deinit { released.increment() }
    }
    let released = Counter()
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 1)
    defer { memory.deallocate() }
    let bytes = UnsafeRawBufferPointer(memory)
    var message: SliceBytes? = SliceBytes(
      header: [],
      pieces: [bytes[..<10], bytes[10...]].map {
        SliceBytes.Piece(owner: Owner(released), bytes: UnsafeRawBufferPointer(rebasing: $0))
      }
    )
    var piece = message?.piece(at: 1)
    #expect(message?.count == 64)
    message = nil
    #expect(released.value == 0)
    withExtendedLifetime(piece) {}
    piece = nil
    #expect(released.value == 2)
  }
}
