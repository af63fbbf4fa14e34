/// A flat directory of segment files: all input and output of a store goes through here.
///
/// Calls block; several threads may call at once. Positions and lengths are whole pages.
package protocol SegmentDevice: Sendable {
  /// The names of all files there, in no order.
  func fileNames() throws(DeviceError) -> [String]

  /// Creates an empty file; it is there for certain after ``syncDirectory()``.
  func create(_ name: String) throws(DeviceError) -> any SegmentFile

  /// Opens a file for reading and writing.
  func open(_ name: String) throws(DeviceError) -> any SegmentFile

  /// Removes a file. Who has it open can go on reading.
  func remove(_ name: String) throws(DeviceError)

  /// Returns once the files created and removed so far stay so.
  func syncDirectory() throws(DeviceError)

  /// Makes a ring for up to `depth` reads at once; nil if reads are to be made one by one.
  func makeReadRing(depth: Int) -> (any ReadRing)?
}

extension SegmentDevice {
  /// None.
  package func makeReadRing(depth: Int) -> (any ReadRing)? { nil }
}

/// An open segment file; the last reference to it closes it.
package protocol SegmentFile: AnyObject, Sendable {
  /// The open file for a ``ReadRing``; nil if there is none.
  var descriptor: Int32? { get }

  /// The file's length.
  func byteCount() throws(DeviceError) -> Int

  /// Reads up to `range.count` bytes at `offset` of the file into `range` of `buffer`.
  ///
  /// - Returns: The bytes read; fewer than asked for only at the end of the file.
  func read(
    into buffer: inout PageBuffer,
    _ range: Range<Int>,
    from offset: Int
  ) throws(DeviceError) -> Int

  /// Writes `range` of `buffer` at `offset` of the file.
  ///
  /// - Returns: The bytes written, which can be fewer than asked for.
  func write(
    _ buffer: borrowing PageBuffer,
    _ range: Range<Int>,
    to offset: Int
  ) throws(DeviceError) -> Int

  /// Cuts the file off.
  func truncate(to byteCount: Int) throws(DeviceError)

  /// Returns once what was written so far would survive a loss of power.
  func sync() throws(DeviceError)
}

extension SegmentFile {
  /// None.
  package var descriptor: Int32? { nil }
}

/// A system call that failed.
package struct DeviceError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The call, such as `write`.
  package var operation: String
  /// The file or directory.
  package var name: String
  /// The `errno`.
  package var code: Int32

  package init(_ operation: String, _ name: String, code: Int32) {
    self.operation = operation
    self.name = name
    self.code = code
  }

  package var description: String { "\(operation) \(name): errno \(code)" }
}
