import BlockCache
package import MeshTypes

extension SchedulerCore {
  /// Checks that queues, tables, pools and counts agree.
  ///
  /// - Throws: ``MeshError`` `internalError` naming what does not.
  /// - Complexity: O(blocks + sequences); for tests and simulation.
  package func checkInvariants() throws(MeshError) {
    let waitingSlots = waiting.slots
    let ranks = waitingSlots.map { sequences[$0].rank }
    try expect(zip(ranks, ranks.dropFirst()).allSatisfy { $0 < $1 }, "the queue is out of order")
    try expect(
      waiting.promptTokens == waitingSlots.reduce(0) { $0 + sequences[$1].promptTokenCount },
      "the queue's tokens are counted wrongly"
    )
    for slot in waitingSlots {
      try expect(sequences[slot].placement == .waiting, "a queued sequence runs")
      try expect(sequences[slot].blockTable.isEmpty, "a waiting sequence holds blocks")
    }
    let byTenant = Dictionary(grouping: waitingSlots) { sequences[$0].namespace }
    try expect(
      settings.maxWaitingSequencesPerTenant == nil
        || waitingByTenant == byTenant.mapValues(\.count),
      "a tenant's waiting sequences are counted wrongly"
    )
    let running = workers.reduce(0) { $0 + $1.running.count }
    try expect(sequences.count == waiting.count + running, "a sequence is lost or twice there")
    for worker in workers { try check(worker) }
  }

  private func check(_ worker: WorkerState) throws(MeshError) {
    try worker.pool.checkInvariants()
    try expect(worker.plansInFlight.count <= settings.maxPlansInFlight, "too many plans in flight")
    var references = [Int](repeating: 0, count: worker.capabilities.blockCount)
    var writableBlocks: Set<BlockID> = []
    var loadedBlocks: Set<BlockID> = []
    for load in worker.loads.loads.values {
      for block in load.request.blocks {
        try expect(loadedBlocks.insert(block).inserted, "two loads write to one block")
        references[Int(block.rawValue)] += 1
      }
      let waiting = sequences.slot(of: load.sequence).map { sequences[$0] }
      try expect(
        load.isAbandoned || waiting?.load == load.request.id,
        "a load is awaited by nobody"
      )
    }
    var previous: SequenceRank?
    for slot in worker.running {
      let sequence = sequences[slot]
      try expect(sequence.placement == .running(worker.epoch), "a sequence runs elsewhere")
      try expect(previous.map { $0 < sequence.rank } ?? true, "runners are out of order")
      previous = sequence.rank
      try check(sequence, on: worker)
      for block in sequence.blockTable { references[Int(block.rawValue)] += 1 }
      let firstWritable = sequence.completedCount / worker.capabilities.blockSizeTokens
      for block in sequence.blockTable.dropFirst(firstWritable) {
        try expect(writableBlocks.insert(block).inserted, "a block is writable in two tables")
      }
    }
    for (key, id) in worker.fillsInProgress {
      let filler = sequences.slot(of: id).map { sequences[$0] }
      try expect(
        filler?.placement == .running(worker.epoch)
          && (filler?.tailFill?.key == key
            || filler?.keyChains.contains { $0.keys.contains(key) } == true),
        "a block is awaited that nobody is going to fill"
      )
    }
    for copy in worker.pendingCopies {
      try expect(
        references[Int(copy.destination.rawValue)] == 1
          && worker.pool.key(of: copy.destination) == nil
          && !loadedBlocks.contains(copy.destination),
        "a copy goes to a block that is not one sequence's alone"
      )
    }
    for block in loadedBlocks {
      try expect(worker.pool.key(of: block) == nil, "a block is in the index before it is loaded")
    }
    for block in writableBlocks {
      let expected = loadedBlocks.contains(block) ? 2 : 1
      try expect(references[Int(block.rawValue)] == expected, "a writable block is shared")
      try expect(worker.pool.key(of: block) == nil, "a writable block is in the index")
    }
    for (block, count) in references.enumerated() {
      let counted = worker.pool.referenceCount(of: BlockID(UInt32(block)))
      try expect(counted == count, "block \(block): \(counted) references, \(count) tables")
    }
  }

  private func check(_ sequence: InferenceSequence, on worker: WorkerState) throws(MeshError) {
    let positions = sequence.blockTable.count * worker.capabilities.blockSizeTokens
    try expect(
      sequence.completedCount <= sequence.scheduledCount
        && sequence.scheduledCount <= sequence.totalCount
        && sequence.mostScheduledCount <= positions
        && sequence.mostTotalCount <= sequence.maxTotalCount
        && (sequence.samplesInFlight > 0 || sequence.draftsInFlight == 0),
      "sequence \(sequence.id.rawValue) is scheduled beyond its bounds"
    )
  }

  private func expect(_ condition: Bool, _ message: String) throws(MeshError) {
    guard condition else { throw MeshError(.internalError, message) }
  }
}
