import CKernels

/// Where threads may run.
package enum ThreadPlacement {
  /// Confines a thread to some CPUs.
  ///
  /// - Parameter thread: Its id in the kernel; 0: the calling one.
  /// - Returns: Whether the system did it.
  @discardableResult
  package static func confine(thread: Int32, to cpus: [Int]) -> Bool {
    wk_confine_thread(thread, cpus.map { UInt32($0) }, cpus.count)
  }
}
