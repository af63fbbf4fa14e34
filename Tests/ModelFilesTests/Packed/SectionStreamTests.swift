import Foundation
import MeshTypes
import ModelFiles
import TestSupport
import Testing

@Suite("Streaming sections of packed weights")
struct SectionStreamTests {
  @Test("gives every section's bytes, round after round", arguments: 1...5)
  func rounds(sectionCount: Int) throws {
    try withEmptyFolder { folder in
      let sizes = (0..<sectionCount).map { [700 * ($0 + 1), 4096] }
      let written = try PackedFile(path: "\(folder)/a.weft", sections: [[10]] + sizes)
      let file = try PackedWeightsFile(path: written.path)
      let stream = try SectionStream(file: file, sections: 1..<sectionCount + 1)
      for _ in 0..<4 {
        for section in 1...sectionCount {
          try stream.load(section: section)
          expectBytes(of: section, in: stream, of: file, written)
        }
        stream.release()
      }
    }
  }

  @Test("skips to the section that is asked for, in random order too")
  func skipping() throws {
    try withEmptyFolder { folder in
      let written = try PackedFile(
        path: "\(folder)/a.weft",
        sections: (0..<7).map { [100 + $0, 5000] }
      )
      let file = try PackedWeightsFile(path: written.path)
      let stream = try SectionStream(file: file, sections: 2..<7)
      let seed: UInt64 = 3
      var random = SeededGenerator(seed: seed)
      for _ in 0..<50 {
        let section = Int.random(in: 2..<7, using: &random)
        try stream.load(section: section)
        expectBytes(of: section, in: stream, of: file, written, "seed \(seed)")
      }
    }
  }

  @Test("that nobody asks any more ends")
  func abandoned() throws {
    try withEmptyFolder { folder in
      let written = try PackedFile(path: "\(folder)/a.weft", sections: [[10], [10], [10]])
      let file = try PackedWeightsFile(path: written.path)
      for loads in 0...2 {
        let stream = try SectionStream(file: file, sections: 1..<3)
        for section in 1..<1 + loads { try stream.load(section: section) }
      }
    }
  }

  @Test("reports a section that has changed on the disk, and gives the others")
  func damaged() throws {
    try withEmptyFolder { folder in
      let written = try PackedFile(path: "\(folder)/a.weft", sections: [[10], [10], [10], [10]])
      var file = try PackedWeightsFile(path: written.path)
      var bytes = try written.encoded()
      bytes[file.header.sections[2].byteOffset + 3] ^= 1
      try written.replace(with: bytes)
      file = try PackedWeightsFile(path: written.path)
      let stream = try SectionStream(file: file, sections: 1..<4)
      for _ in 0..<2 {
        try stream.load(section: 1)
        expectBytes(of: 1, in: stream, of: file, written)
        let error = #expect(throws: MeshError.self) { try stream.load(section: 2) }
        #expect(error?.code == .corrupted)
        try stream.load(section: 3)
        expectBytes(of: 3, in: stream, of: file, written)
      }
    }
  }

  @Test("does not begin with a file that was replaced")
  func replaced() throws {
    try withEmptyFolder { folder in
      let written = try PackedFile(path: "\(folder)/a.weft", sections: [[10], [10]])
      let file = try PackedWeightsFile(path: written.path)
      try written.replace(with: try written.encoded())
      let error = #expect(throws: MeshError.self) {
        _ = try SectionStream(file: file, sections: 1..<2)
      }
      #expect(error?.code == .failedPrecondition)
    }
  }

  private func expectBytes(
    of section: Int,
    in stream: SectionStream,
    of file: PackedWeightsFile,
    _ written: PackedFile,
    _ comment: Comment? = nil
  ) {
    for (tensor, content) in zip(file.header.tensors, written.contents)
    where tensor.section == section {
      #expect(stream.withBytes(of: tensor) { Array($0) } == content.bytes, comment)
    }
  }
}
