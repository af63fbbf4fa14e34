import CKernels

/// Which memory nodes kernels' memory is taken from.
package enum MemoryPlacement: Hashable, Sendable {
  /// Near the thread that first touches it.
  case anywhere
  /// From one node, from others when that is full.
  case near(node: Int)
  /// From some nodes in turn, page by page.
  case interleaved(nodes: [Int])

  /// Makes it so for all memory that the process takes from now on; before anyone takes any. A system
  /// that refuses it places memory as it likes.
  package func apply() {
    switch self {
    case .anywhere: wk_memory_place(WK_MEMORY_ANYWHERE, nil, 0)
    case .near(let node): wk_memory_place(WK_MEMORY_NEAR, [UInt32(node)], 1)
    case .interleaved(let nodes):
      wk_memory_place(WK_MEMORY_INTERLEAVED, nodes.map { UInt32($0) }, nodes.count)
    }
  }
}
