import CKernels
package import MeshTypes

/// Where the rows of a step belong: which rows are neighbours in a sequence, at what positions, and
/// in which blocks their keys and values lie.
///
/// Emptied and filled again it allocates nothing, as long as there is room for what comes. Copies
/// share scratch memory: used by one thread at a time.
package struct PagedRows {
  /// What the kernels take and write to, made anew for each of their calls.
  private final class KernelSpans {
    var spans: [wk_attention_span] = []
  }

  struct Span {
    var firstRow: Int
    var rowCount: Int
    var firstPosition: Int
    var tableOffset: Int
  }

  package let blockSizeTokens: Int
  package private(set) var positions: [UInt32] = []
  private(set) var blocks: [UInt32] = []
  private(set) var slots: [UInt32] = []
  private(set) var largestBlock: UInt32 = 0
  private var tables: [UInt32] = []
  private var spans: [Span] = []
  private var sharing = SharedPositions()
  private let kernelSpans = KernelSpans()

  package var rowCount: Int { positions.count }

  package init(blockSizeTokens: Int) { self.blockSizeTokens = blockSizeTokens }

  /// Makes room.
  ///
  /// - Parameters:
  ///   - rowCount: Rows of all slices together.
  ///   - sliceCount: Slices.
  ///   - positionCount: Positions up to the last one of each slice, all of them added up.
  package mutating func reserve(rowCount: Int, sliceCount: Int, positionCount: Int) {
    positions.reserveCapacity(rowCount)
    blocks.reserveCapacity(rowCount)
    slots.reserveCapacity(rowCount)
    tables.reserveCapacity(positionCount / blockSizeTokens + sliceCount)
    spans.reserveCapacity(sliceCount)
    kernelSpans.spans.reserveCapacity(sliceCount)
    sharing.reserve(spanCount: sliceCount)
  }

  /// Empties it, and keeps the room.
  package mutating func removeAll() {
    positions.removeAll(keepingCapacity: true)
    blocks.removeAll(keepingCapacity: true)
    slots.removeAll(keepingCapacity: true)
    tables.removeAll(keepingCapacity: true)
    spans.removeAll(keepingCapacity: true)
    largestBlock = 0
    sharing.removeAll()
  }

  /// Adds the rows of one sequence's slice.
  ///
  /// - Parameters:
  ///   - rowCount: At least 1.
  ///   - firstPosition: The position of the first of them in the sequence.
  ///   - blockTable: The sequence's blocks, for all positions up to the slice's last.
  package mutating func append(rowCount: Int, firstPosition: Int, blockTable: [BlockID]) {
    let positionCount = firstPosition + rowCount
    sharing.removeAll()
    precondition(rowCount > 0 && firstPosition >= 0 && positionCount <= Int(Int32.max), "bad rows")
    precondition(blockTable.count * blockSizeTokens >= positionCount, "block table too short")
    spans.append(
      Span(
        firstRow: self.rowCount,
        rowCount: rowCount,
        firstPosition: firstPosition,
        tableOffset: tables.count
      )
    )
    for block in blockTable.prefix((positionCount - 1) / blockSizeTokens + 1) {
      tables.append(block.rawValue)
      largestBlock = max(largestBlock, block.rawValue)
    }
    for position in firstPosition..<positionCount {
      positions.append(UInt32(position))
      blocks.append(blockTable[position / blockSizeTokens].rawValue)
      slots.append(UInt32(position % blockSizeTokens))
    }
  }

  /// Finds the rows that begin with the same blocks; to be called when all slices are there. What
  /// attention computes does not depend on it, only how fast.
  package mutating func groupSharedBlocks() {
    tables.withUnsafeBufferPointer { tables in
      sharing.find(spans, tables: tables, blockSizeTokens: blockSizeTokens)
    }
  }

  /// Leading positions whose blocks each slice has in common with others of its group: attention reads
  /// them once for all of them. 0 without a group. In the order of the slices.
  package var sharedPositionCounts: [Int] {
    withSpans { $0.map { Int($0.shared_positions) } }
  }

  /// The spans as the kernels take them, valid within `body`.
  func withSpans<R>(_ body: (UnsafeMutableBufferPointer<wk_attention_span>) -> R) -> R {
    tables.withUnsafeBufferPointer { tables in
      kernelSpans.spans.removeAll(keepingCapacity: true)
      for (index, span) in spans.enumerated() {
        let group = sharing.membership(of: index)
        kernelSpans.spans.append(
          wk_attention_span(
            first_row: span.firstRow,
            row_count: span.rowCount,
            first_position: span.firstPosition,
            block_table: tables.baseAddress! + span.tableOffset,
            shared_positions: group.positionCount,
            leader: group.leader,
            next: group.next ?? .max,
            first_task: 0,
            first_partial: 0
          )
        )
      }
      return kernelSpans.spans.withUnsafeMutableBufferPointer { body($0) }
    }
  }
}
