package import Scheduling

/// How long a worker computes: a step's fixed cost, and what each position of a prompt, each decoding
/// sequence and each position of context adds.
package struct StepTimeModel: Hashable, Sendable {
  /// Whatever the step computes: at least the weights are read.
  package var stepMicroseconds: Double
  /// For each position of a slice of several.
  package var promptMicroseconds: Double
  /// For each slice of one position, which also is sampled.
  package var decodeMicroseconds: Double
  /// For each pair of a position and one before it.
  package var contextMicroseconds: Double

  /// Creates a model.
  package init(step: Double, prompt: Double, decode: Double, context: Double) {
    stepMicroseconds = step
    promptMicroseconds = prompt
    decodeMicroseconds = decode
    contextMicroseconds = context
  }

  /// The time of a step that computes `slices`, in microseconds.
  ///
  /// - Parameter drafts: How many positions it computes besides, each of which is sampled.
  package func microseconds(of slices: [PlannedSlice], drafts: Int = 0) -> Double {
    guard !slices.isEmpty else { return 0 }
    var work = TransferModel.StepWork()
    var decoding = 0
    for slice in slices {
      work.add(slice.startPosition..<slice.startPosition + slice.tokenCount)
      if slice.tokenCount == 1 { decoding += 1 }
    }
    return microseconds(
      promptPositions: work.positions - decoding,
      decodingSequences: decoding + drafts,
      contextPositions: work.contextPositions
    )
  }

  /// The time of a step, in microseconds.
  package func microseconds(
    promptPositions: Int,
    decodingSequences: Int,
    contextPositions: Int
  ) -> Double {
    stepMicroseconds + promptMicroseconds * Double(promptPositions)
      + decodeMicroseconds * Double(decodingSequences)
      + contextMicroseconds * Double(contextPositions)
  }
}

extension StepTimeModel {
  /// SmolLM2-135M in Q4_1 on two cores with AVX-512: least squares over the six figures of Weft in
  /// docs/decisions/0011, each of which it meets within 5 %.
  package static let smolLM2OnTwoCores = Self(
    step: 2157,
    prompt: 448,
    decode: 594,
    context: 0.409
  )

  /// The size of a 70-billion-parameter model on eight GPUs, as the Mooncake paper's clusters run:
  /// 140 GB of weights read at 12 TB/s, 140 GFLOP a token at 1.2 PFLOP/s, and attention of 2.6 MFLOP
  /// a pair. Arithmetic, not a measurement.
  package static let seventyBillionOnEightGPUs = Self(
    step: 12_000,
    prompt: 117,
    decode: 117,
    context: 0.0022
  )
}
