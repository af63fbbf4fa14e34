package import BlockCache
import MeshTypes

/// Which replica has a key: rendezvous hashing.
///
/// Every replica has a weight for every key, from its name and the key alone, and the heaviest one
/// has the key. So all processes agree, in whatever order they name the replicas; a new replica
/// takes its share evenly from all others, and the share of one that goes is spread evenly.
package struct StorePlacement: Sendable {
  private let seeds: [UInt64]

  /// - Parameter names: The replicas' names, each once; at least one.
  package init(names: [String]) {
    precondition(!names.isEmpty, "a placement has at least one replica")
    seeds = names.map { Self.mix(Self.fnv1a($0)) }
  }

  /// The place among the names of the replica that has `key`.
  package func replica(of key: BlockKey) -> Int {
    var heaviest = 0
    var greatest = Self.weight(seeds[0], key)
    for index in seeds.indices.dropFirst() {
      let weight = Self.weight(seeds[index], key)
      // Equal weights go by the seed, which unlike the place is the same everywhere.
      if (weight, seeds[index]) > (greatest, seeds[heaviest]) {
        heaviest = index
        greatest = weight
      }
    }
    return heaviest
  }

  /// For each replica the places of its keys, in order.
  package func places(of keys: [BlockKey]) -> [[Int]] {
    var places = [[Int]](repeating: [], count: seeds.count)
    guard seeds.count > 1 else { return [Array(keys.indices)] }
    for index in keys.indices { places[replica(of: keys[index])].append(index) }
    return places
  }

  private static func weight(_ seed: UInt64, _ key: BlockKey) -> UInt64 {
    mix(seed ^ key.leadingWord)
  }

  private static func fnv1a(_ text: String) -> UInt64 {
    text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    SplitMix64.mix(value &+ SplitMix64.increment)
  }
}
