import Kernels

extension KernelEngine.InstructionSet {
  /// What this CPU has, the portable kernels first.
  static var available: [Self] {
    [.portable] + allCases.filter { $0 != .portable && $0.isAvailable }
  }
}
