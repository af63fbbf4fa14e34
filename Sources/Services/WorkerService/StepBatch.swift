import MeshProtos
import MeshTypes
import Transformer

/// What a plan has the runner compute. Kept from step to step, so that it allocates nothing once it
/// has been as large as it gets.
struct StepBatch {
  /// A token to be sampled.
  struct Sample {
    var sequence: UInt64
    /// The token's position in its sequence.
    var position: Int
  }

  private(set) var slices: [SequenceSlice] = []
  /// One for each row of logits, in order.
  private(set) var samples: [Sample] = []
  /// Sequences with more than one slice: which of them comes first is not for the worker to say.
  private(set) var repeatedSequences: Set<UInt64> = []
  private var seenSequences: Set<UInt64> = []

  /// Forgets the former plan.
  mutating func begin(_ plan: Weft_Worker_V1_ExecuteRequest) {
    release()
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
    guard slice.logits == .lastToken else { return }
    samples.append(
      Sample(sequence: sequence, position: slice.startPosition + slice.tokenIDs.count)
    )
  }

  /// Lets go of the sequences' arrays, which can then grow without being copied.
  mutating func release() { slices.removeAll(keepingCapacity: true) }
}
