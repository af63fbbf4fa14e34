import Glibc
import SegmentStore
import Synchronization

/// A ring that finishes its reads in any order, and lets some fail, fall short or be refused.
final class FaultyRing: ReadRing {
  /// What becomes of a read instead of all its bytes.
  enum Fault: CaseIterable, Sendable {
    case refused, ioError, interrupted, again, cancelled, short, nothing
  }

  private struct State {
    var random: SplitMix
    var finished: [(token: UInt64, result: Int32)] = []
    var faults: [Fault: Int] = [:]
  }

  private let state: Mutex<State>
  private let chance: Double

  init(seed: UInt64, chance: Double) {
    state = Mutex(State(random: SplitMix(seed)))
    self.chance = chance
  }

  /// How often each fault was given.
  var faults: [Fault: Int] { state.withLock { $0.faults } }
  /// Reads that were not waited for.
  var underWay: Int { state.withLock { $0.finished.count } }

  func submit(
    descriptor: Int32,
    into memory: UnsafeMutableRawBufferPointer,
    from offset: Int,
    token: UInt64
  ) -> Bool {
    let count = pread(descriptor, memory.baseAddress, memory.count, off_t(offset))
    return state.withLock { state in
      var result = count < 0 ? -errno : Int32(count)
      if state.random.chance(chance) {
        let fault = Fault.allCases.randomElement(using: &state.random) ?? .refused
        state.faults[fault, default: 0] += 1
        // What the read had brought must not be taken for the record.
        memory.initializeMemory(as: UInt8.self, repeating: 0xaa)
        switch fault {
        case .refused: return false
        case .ioError: result = -EIO
        case .interrupted: result = -EINTR
        case .again: result = -EAGAIN
        case .cancelled: result = -ECANCELED
        case .nothing: result = 0
        case .short:
          result = Int32.random(in: 1..<result, using: &state.random)
          pread(descriptor, memory.baseAddress, Int(result) / 4096 * 4096, off_t(offset))
        }
      }
      state.finished.append((token, result))
      return true
    }
  }

  func wait() -> (token: UInt64, result: Int32) {
    state.withLock { state in
      guard let index = state.finished.indices.randomElement(using: &state.random) else {
        preconditionFailure("no read is under way")
      }
      return state.finished.remove(at: index)
    }
  }
}

/// A directory whose reads go through a ring of the test's.
final class RingDirectory: SegmentDevice {
  private let directory: SegmentDirectory
  let ring: FaultyRing

  init(_ directory: SegmentDirectory, ring: FaultyRing) {
    self.directory = directory
    self.ring = ring
  }

  func fileNames() throws(DeviceError) -> [String] { try directory.fileNames() }
  func create(_ name: String) throws(DeviceError) -> any SegmentFile { try directory.create(name) }
  func open(_ name: String) throws(DeviceError) -> any SegmentFile { try directory.open(name) }
  func remove(_ name: String) throws(DeviceError) { try directory.remove(name) }
  func syncDirectory() throws(DeviceError) { try directory.syncDirectory() }
  func makeReadRing(depth: Int) -> (any ReadRing)? { ring }
}
