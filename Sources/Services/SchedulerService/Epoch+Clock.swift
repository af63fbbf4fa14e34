import Glibc
package import MeshTypes

extension Epoch {
  /// An epoch above every one that a scheduler started before has given: the microseconds since
  /// 1970. Memberships begin far less often than once a microsecond.
  package static func now() -> Epoch {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Epoch(UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000)
  }
}
