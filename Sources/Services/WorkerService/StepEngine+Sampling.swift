import MeshProtos
import MeshTypes
import SwiftProtobuf
import Transformer

extension StepEngine {
  /// Samples a sequence's next token from a row of logits, and appends it.
  ///
  /// - Throws: ``MeshError`` about the sequence's grammar; nothing is appended then.
  func sample(
    _ logits: StepLogits,
    row: Int,
    for id: UInt64
  ) throws(MeshError) -> Weft_Worker_V1_SampledToken {
    guard var sequence = sequences[id] else { preconditionFailure("unknown sequence") }
    // Taken out meanwhile, so that its tokens have one owner.
    sequences[id] = nil
    defer { sequences[id] = sequence }
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
