package import MeshProtos
import MeshRuntime
package import MeshTypes
package import Scheduling

extension SequenceRequest {
  /// Reads a gateway's request. What concerns the model's sizes is checked by the core.
  ///
  /// - Parameters:
  ///   - id: The sequence's id.
  ///   - maxSequenceTokens: The most tokens of a sequence on the largest worker; nil without one.
  /// - Throws: ``MeshError`` `invalidArgument` naming the field; `unavailable` if `max_tokens` is
  ///   absent and there is no worker whose context could set it.
  package init(
    _ message: Weft_Scheduler_V1_GenerateRequest,
    id: SequenceID,
    maxSequenceTokens: Int?
  ) throws(MeshError) {
    guard !message.promptTokenIds.isEmpty else {
      throw .invalid("prompt_token_ids", "must not be empty")
    }
    let sampling = try SamplingParameters(message.sampling)
    try sampling.validate()
    let maxTokens: Int
    if message.hasMaxTokens {
      maxTokens = Int(message.maxTokens)
    } else if let maxSequenceTokens {
      // At least 1, so that a prompt that fills the context is refused by the core's own check.
      maxTokens = max(1, maxSequenceTokens - message.promptTokenIds.count)
    } else {
      throw MeshError(.unavailable, "no worker has joined")
    }
    guard maxTokens >= 1 else {
      throw .invalid("max_tokens", "must be at least 1, got \(maxTokens)")
    }
    guard message.generatedTokenCount < message.promptTokenIds.count else {
      throw .invalid(
        "generated_token_count",
        "must be below \(message.promptTokenIds.count), the number of prompt_token_ids, got"
          + " \(message.generatedTokenCount)"
      )
    }
    guard message.cacheSalt.count <= Self.maximumCacheSaltBytes else {
      throw .invalid(
        "cache_salt",
        "must have at most \(Self.maximumCacheSaltBytes) bytes, got \(message.cacheSalt.count)"
      )
    }
    self.init(
      id: id,
      promptTokenIDs: message.promptTokenIds,
      sampling: sampling,
      limits: GenerationLimits(
        maxTokens: maxTokens,
        stopTokenIDs: Set(message.stopTokenIds)
      ),
      cacheSalt: Array(message.cacheSalt)
    )
    generatedTokenCount = Int(message.generatedTokenCount)
  }

  private static let maximumCacheSaltBytes = 256
}
