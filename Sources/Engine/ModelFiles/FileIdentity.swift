import Glibc

/// Tells whether a file is still the one that was read, without reading it again: a file that is
/// written to, or replaced, has another inode, size or time.
///
/// The device is left out, since it changes when a volume is mounted again.
package struct FileIdentity: Hashable, Sendable {
  /// As it was opened, for messages.
  package var path: String
  package var inode: UInt64
  package var byteCount: UInt64
  /// When the contents changed last, in nanoseconds since 1970.
  package var modifiedNanoseconds: Int64
  /// When the contents or the inode changed last; nobody but the kernel sets it.
  package var changedNanoseconds: Int64

  package init(
    path: String,
    inode: UInt64,
    byteCount: UInt64,
    modifiedNanoseconds: Int64,
    changedNanoseconds: Int64
  ) {
    self.path = path
    self.inode = inode
    self.byteCount = byteCount
    self.modifiedNanoseconds = modifiedNanoseconds
    self.changedNanoseconds = changedNanoseconds
  }

  init(path: String, status: stat) {
    self.init(
      path: path,
      inode: UInt64(status.st_ino),
      byteCount: UInt64(status.st_size),
      modifiedNanoseconds: Self.nanoseconds(status.st_mtim),
      changedNanoseconds: Self.nanoseconds(status.st_ctim)
    )
  }

  private static func nanoseconds(_ time: timespec) -> Int64 {
    Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }
}
