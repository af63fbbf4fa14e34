import MeshRuntime
import MeshTypes
import SegmentStore
import SystemPackage

/// Reads segments on a thread that may wait for the disk.
actor SegmentReader {
  /// A segment file: its directory and its id.
  struct Location: Sendable {
    var directory: String
    var id: UInt64
    /// Whether it was named by itself, so that it has to be there.
    var isRequired: Bool

    var path: String { "\(directory)/\(SegmentHeader.fileName(of: id))" }
  }

  private let executor = DedicatedThreadExecutor(label: "weft.segment-reader")

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// The segments in a directory, the oldest first; or the one that the path of a file names.
  ///
  /// - Throws: `invalidArgument` or `failedPrecondition` naming the path.
  func segments(at path: String) throws(MeshError) -> [Location] {
    let file = FilePath(path)
    if let name = file.lastComponent?.string, let id = SegmentHeader.id(ofFileName: name) {
      let directory = file.removingLastComponent()
      return [
        Location(
          directory: directory.isEmpty ? "." : directory.string,
          id: id,
          isRequired: true
        )
      ]
    }
    let names: [String]
    do {
      names = try SegmentDirectory(path: path, access: .readOnly).fileNames()
    } catch let error as DeviceError {
      throw MeshError(.failedPrecondition, "'\(path)' cannot be listed: \(error)", field: path)
    } catch let error as MeshError {
      throw error
    } catch {
      throw MeshError(.internalError, "\(error)")
    }
    let ids = names.compactMap(SegmentHeader.id(ofFileName:)).sorted()
    guard !ids.isEmpty else {
      throw MeshError.invalid(
        "'\(path)'",
        "must be a segment file or a directory of segment files, named like "
          + SegmentHeader.fileName(of: 1)
      )
    }
    return ids.map { Location(directory: path, id: $0, isRequired: false) }
  }

  /// Reads and checks a segment.
  ///
  /// - Returns: nil if it has gone since it was listed, as an eviction does.
  func report(on location: Location) -> SegmentReport? {
    do {
      let directory = try SegmentDirectory(path: location.directory, access: .readOnly)
      let file = try directory.open(SegmentHeader.fileName(of: location.id))
      var inspection = try SegmentInspection(of: file, id: location.id)
      // A store that runs may have been writing the last record just then.
      if let first = inspection, !first.isIntact, try file.byteCount() != first.contents.fileBytes {
        inspection = try SegmentInspection(of: file, id: location.id)
      }
      guard let inspection else {
        return SegmentReport(location, failure: "no valid header of this segment")
      }
      return SegmentReport(location, inspection)
    } catch let error as DeviceError {
      let isGone = error.code == Errno.noSuchFileOrDirectory.rawValue
      return isGone && !location.isRequired ? nil : SegmentReport(location, failure: "\(error)")
    } catch {
      return SegmentReport(location, failure: "\(error)")
    }
  }
}
