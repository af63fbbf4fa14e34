import Foundation
import MeshTypes
import ModelFiles
import TestSupport
import Testing

/// Damaged safetensors files never crash, hang, or cost more than they weigh: each either opens, and
/// then keeps every promise of ``SafetensorsHeader``, or fails with an error that names what is
/// wrong.
@Suite("Damaged safetensors files", .serialized)
struct SafetensorsMutationTests {
  private let small: [UInt8]
  private let headerByteCount: Int

  init() throws {
    var writer = SafetensorsWriter()
    for (index, type) in SafetensorsType.allCases.enumerated() {
      writer.add("model.layers.\(index).w", type.rawValue, "[2,3]", byteCount: 6 * type.byteCount)
    }
    small = writer.encoded()
    headerByteCount = 8 + writer.header.utf8.count
  }

  @Test("cut at every byte")
  func truncation() {
    for count in 0..<small.count {
      check("cut at \(count)", Array(small.prefix(count)), opens: false)
    }
  }

  @Test("with every bit of the header flipped")
  func bitFlips() {
    var file = small
    for bit in 0..<(headerByteCount * 8) {
      file[bit / 8] ^= 1 << (bit % 8)
      check("bit \(bit) flipped", file)
      file[bit / 8] = small[bit / 8]
    }
  }

  @Test("with an extreme header length", arguments: Mutation.extremes)
  func extremes(value: UInt64) {
    var file = small
    Mutation.overwrite(at: 0, width: 8, value: value).apply(to: &file)
    check("length \(value)", file, opens: false)
  }

  @Test("with numbers in the header replaced by extreme ones")
  func numbers() {
    var random = SplitMix64(state: Fuzz.seed)
    let text = String(decoding: small[8..<headerByteCount], as: UTF8.self)
    let numbers = text.matches(of: /[0-9]+/).map(\.range)
    for round in 0..<Fuzz.count {
      var changed = text
      let value = Mutation.extremes.randomElement(using: &random) ?? 0
      changed.replaceSubrange(numbers.randomElement(using: &random)!, with: String(value))
      let header = Array(changed.utf8)
      let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
      check("round \(round), seed \(Fuzz.seed)", length + header + small[headerByteCount...])
    }
  }

  @Test("with up to eight random changes")
  func changes() throws {
    var random = SplitMix64(state: Fuzz.seed)
    let before = try Memory.peakByteCount()
    for round in 0..<Fuzz.count {
      var file = small
      let mutations = (0..<Int.random(in: 1...8, using: &random)).map { _ in
        Mutation.random(within: headerByteCount, of: file.count, using: &random)
      }
      for mutation in mutations { mutation.apply(to: &file) }
      check("round \(round), seed \(Fuzz.seed): \(mutations)", file)
    }
    #expect(try Memory.peakByteCount() - before < Memory.allowedGrowth, "seed \(Fuzz.seed)")
  }

  @Test("in a folder that is opened")
  func folder() throws {
    var random = SplitMix64(state: Fuzz.seed)
    let source = Fixture.path("folders/llama3")
    for round in 0..<300 {
      try withTemporaryFolder(copying: source) { folder in
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
          .filter { $0 != "expected.json" }.sorted()
        let path = "\(folder)/\(names.randomElement(using: &random)!)"
        var file = Array(try Data(contentsOf: URL(filePath: path)))
        Mutation.random(within: min(file.count, 1500), of: file.count, using: &random)
          .apply(to: &file)
        try Data(file).write(to: URL(filePath: path))
        do {
          let model = try ModelFolder(path: folder)
          for tensor in model.tensors {
            _ = model.withBytes(of: tensor) { $0.reduce(0) { $0 ^ $1 } }
          }
        } catch let error as MeshError {
          #expect(error.field != nil, "seed \(Fuzz.seed), round \(round): \(error)")
        }
      }
    }
  }

  private func check(_ what: @autoclosure () -> String, _ file: [UInt8], opens: Bool? = nil) {
    do {
      let header = try parseSafetensors(file)
      if opens == false { Issue.record("\(what()): it opens") }
      if let broken = Self.brokenPromise(of: header, in: file.count) {
        Issue.record("\(what()): \(broken)")
      }
    } catch let error as MeshError {
      if error.field == nil { Issue.record("\(what()): the error does not say enough: \(error)") }
    } catch {
      Issue.record("\(what()): \(error)")
    }
  }

  private static func brokenPromise(of header: SafetensorsHeader, in count: Int) -> String? {
    var end = 0
    for tensor in header.tensors {
      guard tensor.byteOffset >= end, tensor.endOffset <= count else { return "place of \(tensor)" }
      guard tensor.elementCount == tensor.shape.reduce(1, *),
        tensor.byteCount == tensor.elementCount * tensor.type.byteCount
      else { return "sizes of \(tensor)" }
      end = tensor.endOffset
    }
    guard Set(header.tensors.map(\.name)).count == header.tensors.count else { return "names" }
    return nil
  }
}
