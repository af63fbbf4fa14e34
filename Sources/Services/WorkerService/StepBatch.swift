import MeshProtos
import MeshTypes
import Transformer

/// What a plan has the runner compute. Kept from step to step, so that it allocates nothing once it
/// has been as large as it gets.
struct StepBatch {
  private(set) var slices: [SequenceSlice] = []
  /// The sequences that tokens are sampled for, in order.
  private(set) var samples: [Sample] = []
  /// Rows of logits that they have.
  private var logitsRowCount = 0
  /// Guesses that may still be added.
  private(set) var draftRoom = 0
  /// Sequences with more than one slice: which of them comes first is not for the worker to say.
  private(set) var repeatedSequences: Set<UInt64> = []
  private var seenSequences: Set<UInt64> = []

  /// A sequence that tokens are sampled for.
  struct Sample {
    var sequence: UInt64
    /// Of the logits after its last token; those after each of its drafts follow.
    var firstRow: Int
    /// Guesses at the end of its tokens.
    var draftCount: Int
  }

  /// Guesses that are computed.
  var draftCount: Int { samples.reduce(0) { $0 + $1.draftCount } }

  /// Forgets the former plan.
  ///
  /// - Parameters:
  ///   - maxRows: The most rows of a step.
  ///   - maxLogitsRows: The most rows of logits.
  mutating func begin(_ plan: Weft_Worker_V1_ExecuteRequest, maxRows: Int, maxLogitsRows: Int) {
    release()
    logitsRowCount = 0
    let rowCount = plan.slices.reduce(0) { $0 + Int($1.tokenCount) }
    draftRoom = max(0, min(maxRows - rowCount, maxLogitsRows - plan.slices.count))
    samples.removeAll(keepingCapacity: true)
    repeatedSequences.removeAll(keepingCapacity: true)
    seenSequences.removeAll(keepingCapacity: true)
    for slice in plan.slices where !seenSequences.insert(slice.sequence).inserted {
      repeatedSequences.insert(slice.sequence)
    }
  }

  /// Adds a checked slice.
  mutating func append(_ slice: SequenceSlice, of sequence: UInt64) {
    slices.append(slice)
    guard slice.logits != .none else { return }
    let draftCount = slice.logitsRowCount - 1
    samples.append(Sample(sequence: sequence, firstRow: logitsRowCount, draftCount: draftCount))
    logitsRowCount += slice.logitsRowCount
    draftRoom -= draftCount
  }

  /// Lets go of the sequences' arrays, which can then grow without being copied.
  mutating func release() { slices.removeAll(keepingCapacity: true) }
}
