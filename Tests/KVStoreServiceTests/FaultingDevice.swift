import Glibc
import SegmentStore
import Synchronization

/// A real directory whose operations fail as told.
final class FaultingDevice: SegmentDevice {
  enum Operation: Hashable, Sendable {
    case create, read, write, sync
  }

  /// What an operation does instead of working.
  enum Fault: Sendable {
    case error(Int32)
    /// A write takes only so many bytes.
    case short(Int)
    /// It waits until the gate is open, then works.
    case wait(Gate)
  }

  /// Closed until it is opened for good.
  final class Gate: Sendable {
    private let (exit, entrance): (Int32, Int32)

    init() {
      var ends: [Int32] = [-1, -1]
      pipe(&ends)
      (exit, entrance) = (ends[0], ends[1])
    }

    deinit { close(exit) }

    /// To be called once.
    func open() { close(entrance) }

    /// Blocks the thread: there is nothing to read until the other end is closed.
    fileprivate func wait() {
      var byte: UInt8 = 0
      _ = read(exit, &byte, 1)
    }
  }

  private let base: SegmentDirectory
  private let faults = Mutex<[Operation: Fault]>([:])

  init(path: String) throws { base = try SegmentDirectory(path: path) }

  /// Makes an operation fail from now on, or work again.
  func set(_ fault: Fault?, on operation: Operation) {
    faults.withLock { $0[operation] = fault }
  }

  private func check(_ operation: Operation) throws(DeviceError) {
    switch faults.withLock({ $0[operation] }) {
    case .error(let code): throw DeviceError("\(operation)", "", code: code)
    case .wait(let gate): gate.wait()
    case .short, nil: break
    }
  }

  func fileNames() throws(DeviceError) -> [String] { try base.fileNames() }

  func create(_ name: String) throws(DeviceError) -> any SegmentFile {
    try check(.create)
    return File(device: self, base: try base.create(name))
  }

  func open(_ name: String) throws(DeviceError) -> any SegmentFile {
    File(device: self, base: try base.open(name))
  }

  func remove(_ name: String) throws(DeviceError) { try base.remove(name) }
  func syncDirectory() throws(DeviceError) { try base.syncDirectory() }

  private final class File: SegmentFile {
    let device: FaultingDevice
    let base: any SegmentFile

    init(device: FaultingDevice, base: any SegmentFile) {
      self.device = device
      self.base = base
    }

    func byteCount() throws(DeviceError) -> Int { try base.byteCount() }

    func read(
      into buffer: inout PageBuffer,
      _ range: Range<Int>,
      from offset: Int
    ) throws(DeviceError) -> Int {
      try device.check(.read)
      return try base.read(into: &buffer, range, from: offset)
    }

    func write(
      _ buffer: borrowing PageBuffer,
      _ range: Range<Int>,
      to offset: Int
    ) throws(DeviceError) -> Int {
      try device.check(.write)
      guard case .short(let most) = device.faults.withLock({ $0[.write] }) else {
        return try base.write(buffer, range, to: offset)
      }
      let end = min(range.upperBound, range.lowerBound + most)
      return try base.write(buffer, range.lowerBound..<end, to: offset)
    }

    func truncate(to byteCount: Int) throws(DeviceError) { try base.truncate(to: byteCount) }

    func sync() throws(DeviceError) {
      try device.check(.sync)
      try base.sync()
    }
  }
}
