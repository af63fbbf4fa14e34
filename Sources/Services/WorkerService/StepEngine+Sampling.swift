import MeshProtos
import MeshTypes
import SwiftProtobuf
import Transformer

extension StepEngine {
  /// Samples the tokens that a sequence's rows of logits give, and appends them: one, and one more for
  /// each of its drafts, as long as those are what was sampled before them. So every token is what it
  /// would be without drafts.
  ///
  /// - Throws: ``MeshError`` about the sequence's grammar; nothing is appended then.
  func sample(
    _ logits: StepLogits,
    _ sample: StepBatch.Sample,
    into sampled: inout [Weft_Worker_V1_SampledToken]
  ) throws(MeshError) {
    let id = sample.sequence
    guard var sequence = sequences[id] else { preconditionFailure("unknown sequence") }
    // Taken out meanwhile, so that its tokens have one owner.
    sequences[id] = nil
    defer { sequences[id] = sequence }
    drafts.removeAll(keepingCapacity: true)
    drafts.append(contentsOf: sequence.tokenIDs.suffix(sample.draftCount))
    sequence.tokenIDs.removeLast(sample.draftCount)
    sampled.append(try sampleNext(&sequence, id, logits, row: sample.firstRow))
    var accepted = 0
    while accepted < drafts.count, sequence.tokenIDs.last == drafts[accepted] {
      accepted += 1
      let next: Weft_Worker_V1_SampledToken
      // What goes wrong after a draft goes wrong again where it is none.
      do { next = try sampleNext(&sequence, id, logits, row: sample.firstRow + accepted) } catch {
        break
      }
      sampled.append(next)
    }
    sequence.draftPace.observe(
      drafted: drafts.count,
      accepted: accepted,
      sequences: batch.samples.count
    )
  }

  /// Samples a sequence's next token from a row of logits, and appends it.
  private func sampleNext(
    _ sequence: inout InferenceSequence,
    _ id: UInt64,
    _ logits: StepLogits,
    row: Int
  ) throws(MeshError) -> Weft_Worker_V1_SampledToken {
    let token = try choose(&sequence, logits, row: row)
    sequence.tokenIDs.append(token.id)
    var message = Weft_Worker_V1_SampledToken.with {
      $0.sequence = id
      $0.tokenID = token.id
    }
    if let count = sequence.sampling.logprobs {
      let likeliest = logits.withRow(row) { sampler.likeliest(count, of: $0) }
      message.logprobs = .with {
        $0.token = token.logprobMessage
        $0.top = likeliest.map(\.logprobMessage)
      }
    }
    return message
  }

  /// Chooses a sequence's next token. Whatever else has its tokens meanwhile is gone on return: to append
  /// to tokens that are shared would copy them, in every step.
  private func choose(
    _ sequence: inout InferenceSequence,
    _ logits: StepLogits,
    row: Int
  ) throws(MeshError) -> SampledToken {
    let output = sequence.tokenIDs[sequence.promptCount...]
    let allowed = try sequence.structure?.allowed(after: output)
    let history = TokenHistory(tokenIDs: sequence.tokenIDs, promptCount: sequence.promptCount)
    let sampling = sequence.sampling, endTokenIDs = sequence.stopTokenIDs
    let token = logits.withRow(row) { logits in
      sampler.sample(
        logits,
        sampling,
        history: history,
        endTokenIDs: endTokenIDs,
        allowed: allowed
      )
    }
    try sequence.structure?.append(token.id)
    return token
  }
}

extension SampledToken {
  fileprivate var logprobMessage: Weft_Types_V1_TokenLogprob {
    .with {
      $0.tokenID = id
      $0.logprob = logprob
    }
  }
}
