import BlockCache
import MeshTypes

/// The last block of a prompt that several sequences have. It is not full, so that each writes to its
/// own; but what they have in common is computed by one of them and copied by the others.
///
/// Copy on write would copy at the same moment: the last token of a prompt is always computed, so a
/// sequence writes to this block with its first step.
extension SchedulerCore {
  /// The positions of a sequence's last block that another one is about to compute, as
  /// ``WorkerState/fillsInProgress`` knows them.
  struct TailFill: Sendable {
    var key: BlockKey
    /// The position after the last of them.
    var end: Int
  }

  /// Has a sequence that has just been admitted begin its first block that is no hit with a copy of
  /// what a sequence that runs there has written, as far as their tokens agree.
  ///
  /// The copy is part of the worker's next plan, whoever has the source by then: every plan makes its
  /// copies before it computes or loads anything.
  ///
  /// - Complexity: O(sequences that run there).
  mutating func copyTail(of slot: Int, after hitBlocks: Int, on worker: Int) {
    guard settings.copiesSharedTails,
      let match = longestTail(of: slot, in: hitBlocks, on: worker)
    else { return }
    workers[worker].pendingCopies.append(
      BlockCopy(
        source: sequences[match.slot].blockTable[hitBlocks],
        destination: sequences[slot].blockTable[hitBlocks],
        tokenCount: match.tokenCount
      )
    )
    let end = sequences[slot].scheduledCount + match.tokenCount
    sequences[slot].scheduledCount = end
    sequences[slot].completedCount = end
    counters.copiedTails += 1
    counters.copiedTokens += UInt64(match.tokenCount)
    if sequences[slot].isFirstStay { sequences[slot].cachedPromptTokens = end }
  }

  /// The sequence that has written most of a block's tokens, after the same history.
  private mutating func longestTail(
    of slot: Int,
    in block: Int,
    on worker: Int
  ) -> (slot: Int, tokenCount: Int)? {
    let capabilities = workers[worker].capabilities
    let begin = block * capabilities.blockSizeTokens
    // The last token is always computed.
    let end = min(begin + capabilities.blockSizeTokens, sequences[slot].tokenIDs.count - 1)
    guard begin < end else { return nil }
    let chain = sequences[slot].keyChain(on: capabilities)
    let parent = sequences[slot].keyChains[chain].parent(ofBlock: block)
    var best: (slot: Int, tokenCount: Int)?
    for other in workers[worker].running where sequences[other].isStarted {
      let limit = min(end, sequences[other].completedCount)
      var position = begin
      while position < limit,
        sequences[other].tokenIDs[position] == sequences[slot].tokenIDs[position]
      {
        position += 1
      }
      guard position - begin > best?.tokenCount ?? 0 else { continue }
      let chain = sequences[other].keyChain(on: capabilities)
      // Keys begin with the tenant's salt: tenants share nothing.
      guard sequences[other].keyChains[chain].parent(ofBlock: block) == parent else { continue }
      best = (other, position - begin)
    }
    return best
  }

  /// Notes that a sequence that has just been admitted computes the end of its known tokens, so that
  /// others with the same ones wait for it.
  mutating func beginTailFill(of slot: Int, on worker: Int) {
    let end = sequences[slot].tokenIDs.count - 1
    guard awaitsTails, sequences[slot].scheduledCount < end,
      let key = tailKey(of: slot, on: worker), workers[worker].fillsInProgress[key] == nil
    else { return }
    workers[worker].fillsInProgress[key] = sequences[slot].id
    sequences[slot].tailFill = TailFill(key: key, end: end)
  }

  /// Notes that it has, or that it will not.
  mutating func endTailFill(of slot: Int, on worker: Int) {
    guard let fill = sequences[slot].tailFill else { return }
    workers[worker].fillsInProgress[fill.key] = nil
    sequences[slot].tailFill = nil
  }

  /// The key of a sequence's last block there, if another one is computing it.
  mutating func awaitedTail(of slot: Int, on worker: Int) -> BlockKey? {
    guard awaitsTails, !workers[worker].fillsInProgress.isEmpty,
      let key = tailKey(of: slot, on: worker), workers[worker].fillsInProgress[key] != nil
    else { return nil }
    return key
  }

  private var awaitsTails: Bool { settings.awaitsSharedPrefixes && settings.copiesSharedTails }

  private mutating func tailKey(of slot: Int, on worker: Int) -> BlockKey? {
    sequences[slot].tailKey(on: workers[worker].capabilities)
  }
}
