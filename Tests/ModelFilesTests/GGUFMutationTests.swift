import Foundation
import MeshTypes
import ModelFiles
import TestSupport
import Testing

/// Damaged files never crash, hang, or cost more than they weigh: each either opens, and then keeps
/// every promise of ``GGUFHeader``, or fails with an error that names what is wrong.
@Suite("Damaged files", .serialized, .timeLimit(.minutes(60)))
struct GGUFMutationTests {
  /// Every metadata type, every tensor type; about 4 KB, of which ``headerByteCount`` are header.
  private let small: [UInt8]
  private let headerByteCount: Int

  init() throws {
    var writer = GGUFWriter()
    writer.metadata = everyValue
    writer.add("general.alignment", .uint32(32))
    for type in TensorType.allCases {
      writer.add(tensor: "\(type)", type: type, dimensions: [256, 1])
    }
    small = writer.encoded()
    headerByteCount = try parse(small).tensors[0].byteOffset
  }

  @Test("cut at every byte")
  func truncation() {
    for count in 0..<small.count {
      expect(nil, "cut at \(count)", Array(small.prefix(count)), opens: false)
    }
  }

  @Test("with every bit of the header flipped")
  func bitFlips() {
    var file = small
    for bit in 0..<(headerByteCount * 8) {
      file[bit / 8] ^= 1 << (bit % 8)
      expect(nil, "bit \(bit) flipped", file)
      file[bit / 8] = small[bit / 8]
    }
  }

  @Test("with an extreme number at every place of the header", arguments: Mutation.extremes)
  func extremes(value: UInt64) {
    for width in [4, 8] {
      for offset in 0...(headerByteCount - width) {
        var file = small
        Mutation.overwrite(at: offset, width: width, value: value).apply(to: &file)
        expect(nil, "\(value) at \(offset), \(width) bytes", file)
      }
    }
  }

  @Test("of random bytes, with or without the right beginning")
  func noise() {
    let seed = Fuzz.seed
    var random = SplitMix64(state: seed)
    for round in 0..<Fuzz.count {
      var file = (0..<Int.random(in: 0...2048, using: &random)).map { _ in
        UInt8(truncatingIfNeeded: random.next())
      }
      if round.isMultiple(of: 2) { file.replaceSubrange(0..<min(8, file.count), with: small[..<8]) }
      if round.isMultiple(of: 4), file.count > 24 {
        file.replaceSubrange(8..<24, with: [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
      }
      expect(seed, "noise \(round)", file)
    }
  }

  @Test("with up to eight random changes")
  func changes() throws {
    let seed = Fuzz.seed
    var random = SplitMix64(state: seed)
    let before = try Memory.peakByteCount()
    for round in 0..<Fuzz.count {
      var file = small
      let mutations = (0..<Int.random(in: 1...8, using: &random)).map { _ in
        Mutation.random(within: headerByteCount, of: file.count, using: &random)
      }
      for mutation in mutations { mutation.apply(to: &file) }
      expect(seed, "round \(round): \(mutations)", file)
    }
    #expect(try Memory.peakByteCount() - before < Memory.allowedGrowth, "seed \(seed)")
  }

  @Test("that are written to disk and opened")
  func onDisk() throws {
    let seed = Fuzz.seed
    var random = SplitMix64(state: seed)
    for round in 0..<200 {
      var file = small
      Mutation.random(within: headerByteCount, of: file.count, using: &random).apply(to: &file)
      try withTemporaryFile(file) { path in
        do {
          let opened = try GGUFFile(path: path)
          for tensor in opened.tensors {
            _ = opened.withBytes(of: tensor) { $0.reduce(0) { $0 ^ $1 } }
          }
        } catch let error as MeshError {
          #expect(error.field != nil, "seed \(seed), round \(round): \(error)")
        }
      }
    }
  }

  @Test("made from the default model's header")
  func defaultModel() throws {
    let seed = Fuzz.seed
    var random = SplitMix64(state: seed)
    let model = try GGUFFile(path: DefaultModel.path)
    let headerByteCount = model.tensors.map(\.byteOffset).min() ?? 0
    let fileByteCount = model.withContents { $0.count }
    let header = model.withContents { Array($0.prefix(headerByteCount)) }
    // Only the header's pages are ever touched; the rest stays unbacked.
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: fileByteCount, alignment: 16)
    defer { copy.deallocate() }
    let before = try Memory.peakByteCount()
    for round in 0..<max(100, Fuzz.count / 50) {
      var damaged = header
      let mutation = Mutation.random(within: headerByteCount, of: header.count, using: &random)
      mutation.apply(to: &damaged)
      copy.copyBytes(from: damaged.prefix(fileByteCount))
      let count = round.isMultiple(of: 4) ? min(damaged.count, fileByteCount) : fileByteCount
      expect(
        seed,
        "round \(round): \(mutation)",
        UnsafeRawBufferPointer(rebasing: copy[..<count])
      )
    }
    #expect(try Memory.peakByteCount() - before < Memory.allowedGrowth, "seed \(seed)")
  }

  private func expect(
    _ seed: UInt64?,
    _ what: @autoclosure () -> String,
    _ file: [UInt8],
    opens: Bool? = nil
  ) {
    file.withUnsafeBytes { expect(seed, what(), $0, opens: opens) }
  }

  private func expect(
    _ seed: UInt64?,
    _ what: @autoclosure () -> String,
    _ file: UnsafeRawBufferPointer,
    opens: Bool? = nil
  ) {
    let problem: String?
    do {
      let header = try GGUFHeader(parsing: file)
      problem = opens == false ? "it opens" : Self.brokenPromise(of: header, in: file.count)
    } catch {
      let isNamed = error.code == .corrupted || error.code == .unimplemented
      problem = isNamed && error.field != nil ? nil : "the error does not say enough: \(error)"
    }
    if let problem {
      Issue.record("\(what()), seed \(seed.map { "\($0)" } ?? "none"): \(problem)")
    }
  }

  private static func brokenPromise(of header: GGUFHeader, in fileByteCount: Int) -> String? {
    var end = 0
    for tensor in header.tensors.sorted(by: { $0.byteOffset < $1.byteOffset }) {
      guard (1...4).contains(tensor.dimensions.count), tensor.dimensions.allSatisfy({ $0 > 0 }),
        tensor.elementCount == tensor.dimensions.reduce(1, *),
        tensor.byteCount
          == tensor.elementCount / tensor.type.elementsPerBlock * tensor.type.bytesPerBlock
      else { return "sizes of \(tensor)" }
      guard tensor.byteOffset >= end, tensor.byteCount > 0, tensor.endOffset <= fileByteCount else {
        return "place of \(tensor)"
      }
      end = tensor.endOffset
    }
    guard Set(header.tensors.map(\.name)).count == header.tensors.count else { return "names" }
    guard Set(header.metadata.keys).count == header.metadata.keys.count else { return "keys" }
    return nil
  }
}
