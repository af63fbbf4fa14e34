import BlockCache
import MeshTypes

/// A worker's loads from the KV store that have no result yet. Each holds a reference to the blocks
/// that it fills, whatever becomes of its sequence: they are written to until it has ended.
struct LoadTable: Sendable {
  struct Load: Sendable {
    var slot: Int
    var sequence: SequenceID
    var admission: Int
    /// The logical number of the first block.
    var firstBlock: Int
    var request: BlockLoad
    /// What it is expected to move.
    var bytes: TransferModel.FetchBytes
    /// Whether a plan has told the worker.
    var isSent = false
    /// Whether its sequence has left.
    var isAbandoned = false
  }

  private(set) var loads: [LoadID: Load] = [:]
  /// Loads for the next plan, in order.
  private(set) var unsent: [LoadID] = []
  /// Loads to be given up by the next plan.
  private var cancelled: [LoadID] = []
  private var lastID: UInt64 = 0
  /// What all loads together are expected to move.
  private(set) var queuedBytes = TransferModel.FetchBytes()

  var count: Int { loads.count }
  var hasNews: Bool { !unsent.isEmpty || !cancelled.isEmpty }

  subscript(id: LoadID) -> Load? { loads[id] }

  /// The id of the next load.
  var nextID: LoadID { LoadID(lastID + 1) }

  mutating func add(_ load: Load) {
    lastID += 1
    precondition(load.request.id == LoadID(lastID), "loads are numbered through")
    loads[load.request.id] = load
    unsent.append(load.request.id)
    queuedBytes.memory += load.bytes.memory
    queuedBytes.disk += load.bytes.disk
  }

  @discardableResult
  mutating func remove(_ id: LoadID) -> Load? {
    guard let load = loads.removeValue(forKey: id) else { return nil }
    unsent.removeAll { $0 == id }
    cancelled.removeAll { $0 == id }
    queuedBytes.memory -= load.bytes.memory
    queuedBytes.disk -= load.bytes.disk
    return load
  }

  /// Has the worker give a load up whose sequence has left.
  mutating func abandon(_ id: LoadID) {
    loads[id]?.isAbandoned = true
    cancelled.append(id)
  }

  /// What the next plan tells the worker.
  mutating func takeNews() -> (loads: [BlockLoad], cancelled: [LoadID]) {
    let news = (unsent.compactMap { loads[$0]?.request }, cancelled)
    for id in unsent { loads[id]?.isSent = true }
    unsent = []
    cancelled = []
    return news
  }
}
