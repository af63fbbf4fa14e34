import Glibc

/// A file by its descriptor, read and written with pread and pwrite.
final class OpenSegmentFile: SegmentFile {
  private let name: String
  private let openDescriptor: Int32

  var descriptor: Int32? { openDescriptor }

  init(name: String, descriptor: Int32) {
    self.name = name
    openDescriptor = descriptor
  }

  deinit { close(openDescriptor) }

  func byteCount() throws(DeviceError) -> Int {
    var status = stat()
    guard fstat(openDescriptor, &status) == 0 else { throw failure("fstat") }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw DeviceError("fstat", name, code: EINVAL)
    }
    return status.st_size
  }

  func read(
    into buffer: inout PageBuffer,
    _ range: Range<Int>,
    from offset: Int
  ) throws(DeviceError) -> Int {
    var done = 0
    while done < range.count {
      let result = pread(
        openDescriptor,
        buffer.at(range.lowerBound + done..<range.upperBound).baseAddress,
        range.count - done,
        off_t(offset + done)
      )
      if result < 0 {
        if errno == EINTR { continue }
        throw failure("read")
      }
      done += result
      // What is no whole page is the end of the file: O_DIRECT could not go on from there.
      if result == 0 || done % PageBuffer.pageBytes != 0 { break }
    }
    return done
  }

  func write(
    _ buffer: borrowing PageBuffer,
    _ range: Range<Int>,
    to offset: Int
  ) throws(DeviceError) -> Int {
    while true {
      let result = pwrite(openDescriptor, buffer.at(range).baseAddress, range.count, off_t(offset))
      if result >= 0 { return result }
      guard errno == EINTR else { throw failure("write") }
    }
  }

  func truncate(to byteCount: Int) throws(DeviceError) {
    guard ftruncate(openDescriptor, off_t(byteCount)) == 0 else { throw failure("truncate") }
  }

  func sync() throws(DeviceError) {
    guard fdatasync(openDescriptor) == 0 else { throw failure("fdatasync") }
  }

  private func failure(_ operation: String) -> DeviceError {
    DeviceError(operation, name, code: errno)
  }
}
