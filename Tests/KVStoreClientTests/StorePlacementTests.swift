import BlockCache
import KVStoreClient
import TestSupport
import Testing

@Suite("Keys' places among replicas")
struct StorePlacementTests {
  private static let keys = BlockKey.some(20_000)

  private static func names(_ count: Int) -> [String] { (0..<count).map { "10.0.0.\($0):7703" } }

  private static func owners(_ names: [String]) -> [String] {
    let placement = StorePlacement(names: names)
    return keys.map { names[placement.replica(of: $0)] }
  }

  @Test("are evenly spread", arguments: 1...8)
  func even(_ count: Int) {
    let shares = Dictionary(grouping: Self.owners(Self.names(count))) { $0 }.mapValues(\.count)
    let fair = Double(Self.keys.count) / Double(count)
    #expect(shares.count == count)
    // Five standard deviations of a fair draw.
    #expect(shares.values.allSatisfy { abs(Double($0) - fair) <= 5 * fair.squareRoot() })
  }

  @Test("move only to a replica that is added, and only its share", arguments: 1...8)
  func added(_ count: Int) {
    let before = Self.owners(Self.names(count))
    let names = Self.names(count + 1)
    let after = Self.owners(names)
    let moved = zip(before, after).filter { $0 != $1 }
    #expect(moved.allSatisfy { $0.1 == names[count] })
    let fair = Double(Self.keys.count) / Double(count + 1)
    #expect(abs(Double(moved.count) - fair) <= 5 * fair.squareRoot())
  }

  @Test("move only from a replica that is lost, evenly to the others", arguments: 2...8)
  func lost(_ count: Int) {
    let names = Self.names(count)
    let lost = names[count / 2]
    let before = Self.owners(names)
    let after = Self.owners(names.filter { $0 != lost })
    #expect(zip(before, after).allSatisfy { $0 == $1 || $0 == lost })
    let heirs = zip(before, after).filter { $0.0 == lost }.map(\.1)
    let fair = Double(heirs.count) / Double(count - 1)
    let shares = Dictionary(grouping: heirs) { $0 }.mapValues(\.count)
    #expect(shares.count == count - 1)
    #expect(shares.values.allSatisfy { abs(Double($0) - fair) <= 5 * fair.squareRoot() })
  }

  @Test("do not depend on the order in which replicas are named", arguments: [1, 2, 3] as [UInt64])
  func order(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let names = Self.names(5)
    #expect(Self.owners(names) == Self.owners(names.shuffled(using: &generator)))
  }

  @Test("are the same in every process")
  func stable() {
    let placement = StorePlacement(names: Self.names(3))
    let places = BlockKey.some(24).map { placement.replica(of: $0) }
    // Computed by a program of another language from the definition alone.
    #expect(places == [0, 2, 2, 2, 0, 1, 1, 0, 0, 2, 0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 2, 2, 2, 0])
  }
}
