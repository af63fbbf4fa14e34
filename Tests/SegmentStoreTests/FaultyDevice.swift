import Glibc
import SegmentStore
import Synchronization

/// Segment files in memory that fail as told, and lose what a loss of power could lose.
///
/// What was written since a file's last sync survives a crash sector by sector or not at all; files
/// created and removed since the directory's last sync may be there or not.
final class FaultyDevice: SegmentDevice {
  /// What an operation does instead of working.
  enum Fault: Sendable {
    case error(Int32)
    /// A write takes only so many bytes.
    case short(Int)
  }

  enum Operation: Hashable, Sendable {
    case list, create, open, remove, read, write, truncate, sync, syncDirectory
  }

  fileprivate struct Disk {
    var inodes: [Int: Inode] = [:]
    var names: [String: Int] = [:]
    var durableNames: [String: Int] = [:]
    var nameChanges: [(name: String, inode: Int?)] = []
    var capacityBytes = Int.max
    var faults: [Operation: Fault] = [:]
    var changesUntilCrash = Int.max
    var mostBytes = 0
    var counts: [Operation: Int] = [:]
  }

  private let disk = Mutex(Disk())

  // MARK: What tests set and look at

  /// Makes every call of an operation fail from now on, or work again.
  func set(_ fault: Fault?, on operation: Operation) {
    disk.withLock { $0.faults[operation] = fault }
  }

  /// Bytes that all files together can have.
  var capacityBytes: Int {
    get { disk.withLock { $0.capacityBytes } }
    set { disk.withLock { $0.capacityBytes = newValue } }
  }

  /// After so many more changes the device dies, the last of them half done.
  func crash(afterChanges changes: Int) { disk.withLock { $0.changesUntilCrash = changes } }

  var hasCrashed: Bool { disk.withLock { $0.changesUntilCrash <= 0 } }

  /// The most bytes that all files together had at any time.
  var mostBytes: Int { disk.withLock { $0.mostBytes } }

  /// How often an operation was called.
  func count(of operation: Operation) -> Int { disk.withLock { $0.counts[operation] ?? 0 } }

  /// The files as they are, for tests to damage.
  var images: [String: [UInt8]] {
    get {
      disk.withLock { disk in
        disk.names.mapValues { disk.inodes[$0]?.live ?? [] }
      }
    }
    set {
      disk.withLock { disk in
        disk.names = [:]
        disk.inodes = [:]
        for (number, (name, bytes)) in newValue.enumerated() {
          disk.names[name] = number
          disk.inodes[number] = Inode(live: bytes, durable: bytes)
        }
        disk.durableNames = disk.names
        disk.nameChanges = []
      }
    }
  }

  /// The device after a loss of power now.
  func afterCrash(_ random: inout SplitMix) -> FaultyDevice {
    let survivors = disk.withLock { disk -> [String: [UInt8]] in
      // From "everything arrived" to "nothing did".
      let chances: [Double] = [0, 0.3, 0.9, 1]
      let chance = chances.randomElement(using: &random) ?? 0
      var names = disk.durableNames
      for change in disk.nameChanges where random.chance(chance) {
        names[change.name] = change.inode
      }
      return names.mapValues { disk.inodes[$0]?.survivors(chance, &random) ?? [] }
    }
    let device = FaultyDevice()
    device.images = survivors
    return device
  }

  // MARK: SegmentDevice

  func fileNames() throws(DeviceError) -> [String] {
    try check(.list, "")
    return disk.withLock { Array($0.names.keys) }
  }

  func create(_ name: String) throws(DeviceError) -> any SegmentFile {
    try check(.create, name, changes: true)
    let number = disk.withLock { disk -> Int? in
      guard disk.names[name] == nil else { return nil }
      let number = (disk.inodes.keys.max() ?? 0) + 1
      disk.inodes[number] = Inode()
      disk.names[name] = number
      disk.nameChanges.append((name, number))
      return number
    }
    guard let number else { throw DeviceError("create", name, code: EEXIST) }
    return OpenFile(device: self, name: name, inode: number)
  }

  func open(_ name: String) throws(DeviceError) -> any SegmentFile {
    try check(.open, name)
    guard let number = disk.withLock({ $0.names[name] }) else {
      throw DeviceError("open", name, code: ENOENT)
    }
    return OpenFile(device: self, name: name, inode: number)
  }

  func remove(_ name: String) throws(DeviceError) {
    try check(.remove, name, changes: true)
    disk.withLock { disk in
      disk.names[name] = nil
      disk.nameChanges.append((name, nil))
    }
  }

  func syncDirectory() throws(DeviceError) {
    try check(.syncDirectory, "", changes: true)
    disk.withLock { disk in
      disk.durableNames = disk.names
      disk.nameChanges = []
    }
  }

  /// Counts a call and lets it fail if it is to.
  private func check(
    _ operation: Operation,
    _ name: String,
    changes: Bool = false
  ) throws(DeviceError) {
    let code = disk.withLock { disk -> Int32? in
      disk.counts[operation, default: 0] += 1
      if disk.changesUntilCrash <= 0 { return EIO }
      if changes {
        disk.changesUntilCrash -= 1
        if disk.changesUntilCrash <= 0 { return EIO }
      }
      if case .error(let code) = disk.faults[operation] { return code }
      return nil
    }
    if let code { throw DeviceError("\(operation)", name, code: code) }
  }

  // MARK: SegmentFile

  private final class OpenFile: SegmentFile {
    let device: FaultyDevice
    let name: String
    let inode: Int

    init(device: FaultyDevice, name: String, inode: Int) {
      self.device = device
      self.name = name
      self.inode = inode
    }

    func byteCount() throws(DeviceError) -> Int {
      device.disk.withLock { $0.inodes[inode]?.live.count ?? 0 }
    }

    func read(
      into buffer: inout PageBuffer,
      _ range: Range<Int>,
      from offset: Int
    ) throws(DeviceError) -> Int {
      try device.check(.read, name)
      let live = device.disk.withLock { $0.inodes[inode]?.live ?? [] }
      let count = max(0, min(range.count, live.count - offset))
      if count > 0 {
        buffer.copy(live.span.bytes.extracting(offset..<offset + count), to: range.lowerBound)
      }
      return count
    }

    func write(
      _ buffer: borrowing PageBuffer,
      _ range: Range<Int>,
      to offset: Int
    ) throws(DeviceError) -> Int {
      let died = device.disk.withLock { $0.changesUntilCrash == 1 }
      let bytes = buffer.withBytes(in: range) { span in span.withUnsafeBytes { Array($0) } }
      if died { device.disk.withLock { $0.write(bytes, at: offset, to: inode) } }
      try device.check(.write, name, changes: true)
      return try device.disk.withLock { disk throws(DeviceError) -> Int in
        var count = bytes.count
        if case .short(let limit) = disk.faults[.write] { count = min(count, limit) }
        let others = disk.linkedBytes - (disk.inodes[inode]?.live.count ?? 0)
        count = min(count, max(0, disk.capacityBytes - others - offset))
        guard count > 0 else { throw DeviceError("write", name, code: ENOSPC) }
        disk.write(Array(bytes.prefix(count)), at: offset, to: inode)
        return count
      }
    }

    func truncate(to byteCount: Int) throws(DeviceError) {
      try device.check(.truncate, name, changes: true)
      device.disk.withLock { $0.inodes[inode]?.apply(.truncate(byteCount)) }
    }

    func sync() throws(DeviceError) {
      try device.check(.sync, name, changes: true)
      device.disk.withLock { $0.inodes[inode]?.sync() }
    }
  }
}

extension FaultyDevice.Disk {
  fileprivate var linkedBytes: Int {
    names.values.reduce(0) { $0 + (inodes[$1]?.live.count ?? 0) }
  }

  fileprivate mutating func write(_ bytes: [UInt8], at offset: Int, to inode: Int) {
    inodes[inode]?.apply(.write(offset, bytes))
    mostBytes = max(mostBytes, linkedBytes)
  }
}

/// A file's bytes: as they are, as they are for certain, and what leads from these to those.
fileprivate struct Inode {
  enum Change {
    case write(Int, [UInt8])
    case truncate(Int)
  }

  var live: [UInt8] = []
  var durable: [UInt8] = []
  var changes: [Change] = []

  mutating func apply(_ change: Change) {
    changes.append(change)
    switch change {
    case .write(let offset, let bytes): live.overwrite(offset, bytes[...])
    case .truncate(let count): live.resize(count)
    }
  }

  mutating func sync() {
    durable = live
    changes = []
  }

  /// What is left of the file if every sector written since the last sync arrives by chance.
  func survivors(_ chance: Double, _ random: inout SplitMix) -> [UInt8] {
    var bytes = durable
    for change in changes {
      switch change {
      case .write(let offset, let written):
        for start in stride(from: 0, to: written.count, by: 512) where random.chance(chance) {
          bytes.overwrite(offset + start, written[start..<min(start + 512, written.count)])
        }
      case .truncate(let count):
        if random.chance(chance) { bytes.resize(count) }
      }
    }
    return bytes
  }
}

extension [UInt8] {
  /// Writes at `offset`, with zeros in a gap before.
  fileprivate mutating func overwrite(_ offset: Int, _ bytes: ArraySlice<UInt8>) {
    if count < offset + bytes.count { resize(offset + bytes.count) }
    replaceSubrange(offset..<offset + bytes.count, with: bytes)
  }

  fileprivate mutating func resize(_ newCount: Int) {
    if newCount <= count {
      removeLast(count - newCount)
    } else {
      append(contentsOf: repeatElement(0, count: newCount - count))
    }
  }
}
