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
    let output = sequence.tokenIDs[sequence.promptCount...]
    let allowed = try sequence.structure?.allowed(after: output)
    let history = TokenHistory(tokenIDs: sequence.tokenIDs, promptCount: sequence.promptCount)
    let token = logits.withRow(row) { logits in
      sampler.sample(
        logits,
        sequence.sampling,
        history: history,
        endTokenIDs: sequence.stopTokenIDs,
        allowed: allowed
      )
    }
    try sequence.structure?.append(token.id)
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
}

extension SampledToken {
  fileprivate var logprobMessage: Weft_Types_V1_TokenLogprob {
    .with {
      $0.tokenID = id
      $0.logprob = logprob
    }
  }
}
