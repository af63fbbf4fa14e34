import Glibc
import SegmentStore
import Testing

@Suite("Damaged segments")
struct MutationTests {
  /// Damages one to four places of one image.
  private func mutate(
    _ images: inout [String: [UInt8]],
    _ random: inout SplitMix
  ) {
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      guard
        let name = images.keys.sorted().randomElement(using: &random), var image = images[name],
        !image.isEmpty
      else { return }
      let pages = max(1, image.count / 4096)
      func page() -> Int { 4096 * Int.random(in: 0..<pages, using: &random) }
      switch Int.random(in: 0..<11, using: &random) {
      case 0:  // A flipped bit anywhere.
        image[Int.random(in: 0..<image.count, using: &random)] ^=
          1 << Int.random(in: 0..<8, using: &random)
      case 1:  // A byte of a header, where there may be one, set to anything.
        let place = page() + Int.random(in: 0..<96, using: &random)
        if place < image.count { image[place] = UInt8.random(in: 0...255, using: &random) }
      case 2:  // Cut off anywhere.
        image.removeLast(Int.random(in: 0...image.count, using: &random))
      case 3:  // Cut off at a page.
        image.removeLast(image.count - page())
      case 4:  // Two pages swapped.
        let (a, b) = (page(), page())
        guard image.count >= max(a, b) + 4096 else { break }
        for byte in 0..<4096 { image.swapAt(a + byte, b + byte) }
      case 5:  // A page repeated elsewhere.
        let (a, b) = (page(), page())
        guard image.count >= max(a, b) + 4096 else { break }
        image.replaceSubrange(b..<b + 4096, with: Array(image[a..<a + 4096]))
      case 6:  // Sectors of zeros.
        let start = min(page(), image.count)
        let end = min(image.count, start + 512 * Int.random(in: 1...16, using: &random))
        image.replaceSubrange(start..<end, with: repeatElement(0, count: end - start))
      case 7:  // Pages in between gone.
        let start = min(page(), image.count)
        image.removeSubrange(start..<min(image.count, start + 4096))
      case 8:  // Two records swapped, with all that they have.
        let records = self.records(of: image)
        guard records.count > 1 else { break }
        let first = Int.random(in: 0..<records.count - 1, using: &random)
        let second = Int.random(in: first + 1..<records.count, using: &random)
        let (a, b) = (records[first], records[second])
        image.replaceSubrange(
          a.lowerBound..<b.upperBound,
          with: Array(image[b] + image[a.upperBound..<b.lowerBound] + image[a])
        )
      case 9:  // A record cut short.
        guard let record = records(of: image).randomElement(using: &random) else { break }
        image.removeSubrange(Int.random(in: record, using: &random)..<record.upperBound)
      default:  // Another segment's tail.
        guard
          let other = images.keys.sorted().randomElement(using: &random),
          let tail = images[other]?.dropFirst(page())
        else { break }
        image = Array(image.prefix(page())) + tail
      }
      images[name] = image
    }
  }

  /// Where the records of an image are, by their magic.
  private func records(of image: [UInt8]) -> [Range<Int>] {
    let magic = Array("WEFTREC\n".utf8)
    let starts = stride(from: 0, to: image.count - 8, by: 4096).filter { start in
      Array(image[start..<start + 8]) == magic
    }
    return zip(starts, starts.dropFirst() + [image.count]).map { $0..<$1 }
  }

  /// Images in each of eight batches.
  private static let rounds =
    getenv("WEFT_FUZZ_ROUNDS").flatMap { UInt64(String(cString: $0)) } ?? 250

  /// Eight batches, every other compressed; dev/fuzz-segments makes many more rounds.
  @Test("never give back a wrong byte, and never stop a store", arguments: 0..<8)
  func mutations(batch: UInt64) throws {
    let device = FaultyDevice()
    let isCompressed = batch % 2 == 1
    let store = try SegmentStore(
      on: device,
      .small(compression: isCompressed ? .zstdPlanes(level: 1) : .none)
    )
    func some(_ numbers: Range<Int>) -> [TestBlock] {
      numbers.map { TestBlock($0, isCompressible: isCompressed && $0 % 4 > 0) }
    }
    for block in some(0..<(isCompressed ? 20 : 14)) { try store.insert(block) }
    #expect((store.statistics.savedBytes > 0) == isCompressed)
    let original = device.images
    #expect(original.count >= 2)
    var damaged = 0
    for round in 0..<Self.rounds {
      var random = SplitMix(batch << 32 | round)
      var images = original
      mutate(&images, &random)
      let device = FaultyDevice()
      device.images = images
      let comment: Comment = "batch \(batch), round \(round)"
      let store = try SegmentStore(on: device)
      let count = isCompressed ? 20 : 14
      let readable = try store.readable(some(0..<count), comment)
      if readable.count < count { damaged += 1 }
      // The store goes on, over and past what is damaged.
      for block in some(30..<32) { #expect(try store.insert(block) == .stored, comment) }
      #expect(try store.readable(some(0..<32), comment).count == readable.count + 2, comment)
      if round % 8 == 0 {
        let reopened = try SegmentStore(on: device)
        _ = try reopened.readable(some(0..<32), comment)
      }
    }
    #expect(damaged > Self.rounds / 3, "the damage is done to what is read")
  }

  @Test("every bit of a small segment matters, or changes nothing")
  func everyBit() throws {
    let device = FaultyDevice()
    let store = try SegmentStore(on: device)
    try store.insert(TestBlock(0), count: 40)
    try store.insert(TestBlock(1), count: 40)
    let name = SegmentHeader.fileName(of: 1)
    let image = try #require(device.images[name])
    let places = (0..<5).flatMap { page in (0..<100).map { page * 4096 + $0 } }
    for place in places {
      for bit in 0..<8 {
        var damaged = image
        damaged[place] ^= 1 << bit
        let device = FaultyDevice()
        device.images[name] = damaged
        let store = try SegmentStore(on: device)
        let readable = try store.readable(blocks(0..<2), count: 40, "byte \(place), bit \(bit)")
        let checked =
          switch (place / 4096, place % 4096) {
          case (0, ..<36), (1, ..<80), (3, ..<80): true
          case (2, ..<40), (4, ..<40): true
          default: false
          }
        #expect((readable.count < 2) == checked, "byte \(place), bit \(bit)")
      }
    }
  }
}
