import MeshProtos
import MeshTypes
import Transformer

/// What a plan has the runner compute. Kept from step to step, so that it allocates nothing once it
/// has been as large as it gets.
struct StepBatch {
  private(set) var slices: [SequenceSlice] = []
  /// The sequences that a token is sampled for, one for each row of logits, in order.
  private(set) var samples: [UInt64] = []
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
    if slice.logits == .lastToken { samples.append(sequence) }
  }

  /// Lets go of the sequences' arrays, which can then grow without being copied.
  mutating func release() { slices.removeAll(keepingCapacity: true) }
}
