import Foundation
import MeshTypes
import ModelFiles
import TestSupport
import Testing

@Suite("A file of packed weights")
struct PackedWeightsFileTests {
  private static let sections = [[100, 1, 4096], [64], [5000, 63, 65]]

  @Test("gives back what was written, aligned to cache lines")
  func roundTrip() throws {
    try withEmptyFolder { folder in
      let written = try PackedFile(path: "\(folder)/new/folder/a.weft", sections: Self.sections)
      let file = try PackedWeightsFile(path: written.path)
      #expect(file.header.arrangement == "test-v1")
      #expect(file.header.digest == PackedFile.digest)
      #expect(file.header.sources == [PackedFile.source])
      #expect(file.header.tensors.map(\.name) == written.contents.map(\.name))
      #expect(file.header.tensors.map(\.section) == [0, 0, 0, 1, 2, 2, 2])
      for (tensor, content) in zip(file.header.tensors, written.contents) {
        #expect(file.bytes(of: tensor) == content.bytes, "\(tensor.name)")
        let address = file.withBytes(of: tensor) { UInt(bitPattern: $0.baseAddress) }
        #expect(address.isMultiple(of: 64), "\(tensor.name)")
      }
      #expect(file.header.tensors[1].kind == PackedFile.kind(1))
      #expect(Self.sections.indices.allSatisfy(file.isIntact))
      #expect(!FileManager.default.fileExists(atPath: "\(written.path).partial"))
    }
  }

  @Test("gives back vectors bit by bit")
  func vectors() throws {
    try withEmptyFolder { folder in
      let values: [Float] = [1, -0.0, .nan, .infinity, .leastNonzeroMagnitude]
      let writer = try PackedWeightsWriter(path: "\(folder)/a.weft")
      try writer.beginSection()
      try writer.append("norm", vector: values)
      try writer.finish(arrangement: "a", sources: [], digest: PackedFile.digest)
      let file = try PackedWeightsFile(path: "\(folder)/a.weft")
      #expect(file.header.tensors[0].kind == .vector)
      let read = file.values(of: file.header.tensors[0])
      #expect(read.map(\.bitPattern) == values.map(\.bitPattern))
    }
  }

  @Test("is not there before all of it is written, and leaves nothing if it never is")
  func unfinished() throws {
    try withEmptyFolder { folder in
      let path = "\(folder)/a.weft"
      do {
        let writer = try PackedWeightsWriter(path: path)
        try writer.beginSection()
        try writer.append("norm", vector: [1, 2, 3])
        let error = #expect(throws: MeshError.self) { _ = try PackedWeightsFile(path: path) }
        #expect(error?.code == .notFound)
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
    }
  }

  @Test("takes the place of the former, whose readers keep theirs, and of what a crash left")
  func replaced() throws {
    try withEmptyFolder { folder in
      let path = "\(folder)/a.weft"
      try Data("half a file".utf8).write(to: URL(filePath: "\(path).partial"))
      let first = try PackedFile(path: path, sections: [[100]], seed: 1)
      let reader = try PackedWeightsFile(path: path)
      let second = try PackedFile(path: path, sections: [[100]], seed: 2)
      #expect(reader.bytes(of: reader.header.tensors[0]) == first.contents[0].bytes)
      let next = try PackedWeightsFile(path: path)
      #expect(next.bytes(of: next.header.tensors[0]) == second.contents[0].bytes)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a.weft"])
    }
  }

  @Test("is written by one at a time: another waits, and finds it done")
  func concurrent() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "weft-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for seed in 1...8 {
        group.addTask {
          _ = try PackedFile(path: "\(folder)/a.weft", sections: [[9000]], seed: UInt64(seed))
          let file = try PackedWeightsFile(path: "\(folder)/a.weft")
          #expect(file.isIntact(section: 0))
        }
      }
      try await group.waitForAll()
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a.weft"])
  }

  @Test("that cannot be written says why", arguments: ["/dev/null/a.weft", "/proc/weft/a.weft"])
  func unwritable(path: String) throws {
    let error = #expect(throws: MeshError.self) { _ = try PackedWeightsWriter(path: path) }
    #expect(error?.code == .failedPrecondition)
    #expect(error?.field?.hasPrefix(path) == true)
  }

  @Test("damaged at random is refused, or is noticed by a checksum")
  func mutations() throws {
    try withEmptyFolder { folder in
      let written = try PackedFile(path: "\(folder)/a.weft", sections: Self.sections)
      let intact = try written.encoded()
      let header = try PackedWeightsFile(path: written.path).header
      var random = SplitMix64(state: Fuzz.seed)
      var refused = 0, noticed = 0
      for run in 0..<Fuzz.count {
        let mutation = Mutation.random(within: intact.count, of: intact.count, using: &random)
        var damaged = intact
        mutation.apply(to: &damaged)
        guard damaged != intact, !damaged.isEmpty else { continue }
        try written.replace(with: damaged)
        do {
          let file = try PackedWeightsFile(path: written.path)
          let isIntact = file.header.sections.indices.allSatisfy(file.isIntact)
          if isIntact {
            // What no checksum covers is the rest of the first page.
            #expect(file.header == header, "seed \(Fuzz.seed), run \(run): \(mutation)")
            let read = file.header.tensors.map { file.bytes(of: $0) }
            #expect(read == written.contents.map(\.bytes), "seed \(Fuzz.seed), run \(run)")
          } else {
            noticed += 1
          }
        } catch let error as MeshError {
          #expect([.corrupted, .unimplemented].contains(error.code), "\(error)")
          refused += 1
        }
      }
      #expect(refused > 0 && noticed > 0)
    }
  }

  @Test("whose table lies about places is refused, though its checksum is right")
  func places() throws {
    // A table is only as trustworthy as who wrote it: everything must lie within its section.
    try withEmptyFolder { folder in
      let path = "\(folder)/a.weft"
      let written = try PackedFile(path: path, sections: [[100]])
      let good = try PackedWeightsFile(path: path).header
      typealias Change = (inout PackedWeightsHeader) -> Void
      let changes: [Change] = [
        { $0.sections[0].byteOffset = 4095 }, { $0.sections[0].byteCount = 1 << 40 },
        { $0.sections[0].byteCount = 0 }, { $0.tensors[0].byteOffset = 32 },
        { $0.tensors[0].byteOffset = 8192 }, { $0.tensors[0].byteCount = 4097 },
        { $0.tensors[0].byteCount = 0 }, { $0.tensors[0].section = 1 },
        {
          $0.tensors[0].kind = .vector; $0.tensors[0].byteCount = 99
        },
      ]
      for (index, change) in changes.enumerated() {
        var header = good
        change(&header)
        try written.replace(with: header.encoded(behind: try written.encoded()))
        let error = #expect(throws: MeshError.self, "change \(index)") {
          _ = try PackedWeightsFile(path: path)
        }
        #expect(error?.code == .corrupted, "change \(index)")
      }
    }
  }
}
