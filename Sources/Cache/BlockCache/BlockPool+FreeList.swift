package import MeshTypes

/// The free list: doubly linked through the records, circular, with a sentinel record.
extension BlockPool {
  var sentinel: Int { blockCount }

  mutating func linkFree(_ block: Int, before next: Int) {
    let previous = records[next].previous
    records[block].previous = previous
    records[block].next = next
    records[previous].next = block
    records[next].previous = block
    freeCount += 1
  }

  mutating func unlinkFree(_ block: Int) {
    let previous = records[block].previous
    let next = records[block].next
    records[previous].next = next
    records[next].previous = previous
    freeCount -= 1
  }
}

extension BlockPool {
  /// The free blocks in the order in which they would be allocated.
  ///
  /// - Complexity: O(free blocks); for tests and diagnosis.
  package var freeBlocks: [BlockID] {
    var blocks: [BlockID] = []
    var block = records[sentinel].next
    while block != sentinel, blocks.count <= blockCount {
      blocks.append(BlockID(UInt32(block)))
      block = records[block].next
    }
    return blocks
  }

  /// Checks that list, references and index agree.
  ///
  /// - Throws: ``MeshError`` `internalError` naming what does not.
  /// - Complexity: O(blocks); for tests.
  package func checkInvariants() throws(MeshError) {
    let free = freeBlocks
    guard free.count == freeCount, Set(free).count == free.count else {
      throw MeshError(.internalError, "free list has \(free.count) links, \(freeCount) counted")
    }
    var previous = sentinel
    for block in free.map({ Int($0.rawValue) }) {
      guard records[block].references == 0, records[block].previous == previous else {
        throw MeshError(.internalError, "free block \(block) is referenced or linked wrongly")
      }
      previous = block
    }
    let unreferenced = records.dropLast().count { $0.references == 0 }
    guard unreferenced == freeCount else {
      throw MeshError(.internalError, "\(unreferenced) unreferenced, \(freeCount) free blocks")
    }
    for (key, block) in index where records[Int(block.rawValue)].key != key {
      throw MeshError(.internalError, "index names block \(block.rawValue) under a foreign key")
    }
    guard records.count(where: { $0.key != nil }) == index.count else {
      throw MeshError(.internalError, "a block has a key that the index does not know")
    }
  }
}
