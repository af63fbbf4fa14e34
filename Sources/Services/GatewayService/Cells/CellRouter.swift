package import MeshRuntime

/// Chooses the cell of each request: a scheduler with workers of its own.
///
/// A request goes where it is expected to be answered first: the part of its prompt that the cell was
/// not given before, at the speed of one of its workers, after what the cell was given and has not
/// answered, at the speed of all of them. So a prompt follows its prefix, but only while others would
/// not have computed the prefix by the time that the cell has got through its work: a prefix that is
/// asked for by many spreads by itself. Work is counted when it is handed out, since what schedulers
/// tell is old by the time that it is known, and everybody would run to the same one.
///
/// A cell that fails gets nothing until it has answered again.
package struct CellRouter: Sendable {
  private struct Cell {
    /// By the name of the model; empty before it has told.
    var capacities: [String: CellCapacity] = [:]
    /// When it was last asked for them.
    var asked: ContinuousClock.Instant?
    var breaker = CircuitBreaker()
    /// Whether it has ever answered.
    var isKnown = false
    var pendingTokens = 0
  }

  private struct Work {
    var cell: Int
    var promptTokens: Int
    var outputTokens: Int
  }

  /// Tokens that a sequence is expected to produce before much has changed.
  private static let outputHorizonTokens = 64
  /// Prefixes of 64 tokens each.
  package static let defaultPrefixCapacity = 1 << 16

  private var cells: [Cell]
  private var prefixes: CellPrefixIndex
  private var works: [CellDispatch: Work] = [:]
  private var dispatchCount: UInt64 = 0

  /// Creates a router of cells of which nothing is known.
  ///
  /// - Parameters:
  ///   - cellCount: In 1...``CellPrefixIndex/maximumCells``.
  ///   - prefixCapacity: The most prefixes that are remembered.
  package init(cellCount: Int, prefixCapacity: Int = Self.defaultPrefixCapacity) {
    precondition((1...CellPrefixIndex.maximumCells).contains(cellCount), "too many cells")
    cells = Array(repeating: Cell(), count: cellCount)
    prefixes = CellPrefixIndex(capacity: prefixCapacity)
  }

  // MARK: Requests

  /// Chooses a cell; ``end(_:)`` must follow.
  ///
  /// - Parameters:
  ///   - request: The request.
  ///   - avoided: Cells that get it only if no other can.
  ///   - isDesperate: Whether cells that do not answer are better than none.
  ///   - generator: Decides between equals.
  /// - Returns: nil if no cell that answers has workers for the model.
  package mutating func place(
    _ request: CellRequest,
    avoiding avoided: Set<Int> = [],
    isDesperate: Bool = false,
    using generator: inout some RandomNumberGenerator
  ) -> CellDispatch? {
    var candidates = candidates(for: request, without: avoided)
    if candidates.isEmpty { candidates = self.candidates(for: request, without: []) }
    if candidates.isEmpty, isDesperate {
      candidates = cells.indices.filter { cells[$0].capacities[request.model] != nil }
    }
    let matches = prefixes.matches(of: request.prefixKeys, cellCount: cells.count)
    let offers = candidates.map { cell in
      let known = matches[cell] * CellRequest.tokensPerKey
      return (cell: cell, known: known, cost: cost(of: request, knowing: known, in: cell))
    }
    guard let least = offers.map(\.cost).min(),
      let offer = offers.filter({ $0.cost == least }).randomElement(using: &generator)
    else { return nil }
    prefixes.insert(request.prefixKeys, cell: offer.cell)
    dispatchCount += 1
    let dispatch = CellDispatch(number: dispatchCount, cell: offer.cell)
    let work = Work(
      cell: offer.cell,
      promptTokens: request.promptTokenCount - offer.known,
      outputTokens: Self.outputTokens(of: request)
    )
    works[dispatch] = work
    cells[offer.cell].pendingTokens += work.promptTokens + work.outputTokens
    return dispatch
  }

  /// Whether a cell that is not among `others` can have it.
  package func hasCell(for request: CellRequest, besides others: Set<Int>) -> Bool {
    !candidates(for: request, without: others).isEmpty
  }

  /// Notes that the first token has come: the prompt is no work any more.
  package mutating func answer(_ dispatch: CellDispatch) {
    guard let work = works[dispatch] else { return }
    cells[work.cell].pendingTokens -= work.promptTokens
    works[dispatch]?.promptTokens = 0
  }

  /// Notes that a request has left its cell.
  package mutating func end(_ dispatch: CellDispatch) {
    guard let work = works.removeValue(forKey: dispatch) else { return }
    cells[work.cell].pendingTokens -= work.promptTokens + work.outputTokens
  }

  /// Tokens that each cell was given and has not answered.
  package var pendingTokens: [Int] { cells.map(\.pendingTokens) }

  /// Prefixes remembered.
  package var prefixCount: Int { prefixes.count }

  // MARK: Cells

  /// The cells to be asked for their status now; for each of them ``learn(_:of:)`` and
  /// ``record(_:of:at:using:)``, or the latter alone, must follow.
  ///
  /// - Parameter age: Those that were asked within this time need not be asked again.
  package mutating func cellsToAsk(
    at now: ContinuousClock.Instant,
    unlessWithin age: Duration
  ) -> [Int] {
    cells.indices.filter { cell in
      if let asked = cells[cell].asked, now - asked < age { return false }
      guard cells[cell].breaker.admits(at: now) else { return false }
      cells[cell].asked = now
      return true
    }
  }

  /// Takes in what a cell has told of its workers.
  package mutating func learn(_ capacities: [String: CellCapacity], of cell: Int) {
    cells[cell].capacities = capacities
  }

  /// Takes in what came of a call to a cell.
  ///
  /// - Returns: Whether the cell answers now, if that has changed since it has answered first.
  package mutating func record(
    _ outcome: CircuitBreaker.Outcome,
    of cell: Int,
    at now: ContinuousClock.Instant,
    using generator: inout some RandomNumberGenerator
  ) -> Bool? {
    let before = cells[cell].breaker.isClosed
    cells[cell].breaker.record(outcome, at: now, using: &generator)
    if outcome == .answered { cells[cell].isKnown = true }
    let after = cells[cell].breaker.isClosed
    guard before != after else { return nil }
    // A scheduler that begins anew finds no block of its former life.
    if !after { prefixes.forget(cell: cell) }
    return cells[cell].isKnown ? after : nil
  }

  private func candidates(for request: CellRequest, without others: Set<Int>) -> [Int] {
    let able = cells.indices.filter {
      cells[$0].breaker.isClosed && cells[$0].capacities[request.model] != nil
    }
    let total = request.promptTokenCount + (request.maxTokens ?? 1)
    let fitting = able.filter {
      total <= cells[$0].capacities[request.model]?.maxSequenceTokens ?? 0
    }
    // Where it fits nowhere, any of them says what would fit.
    return (fitting.isEmpty ? able : fitting).filter { !others.contains($0) }
  }

  /// The seconds until a cell should have answered.
  private func cost(of request: CellRequest, knowing known: Int, in cell: Int) -> Double {
    guard let capacity = cells[cell].capacities[request.model] else { return .infinity }
    let own = request.promptTokenCount - known + Self.outputTokens(of: request)
    return Double(own) / capacity.tokensPerSecondOfWorker
      + Double(cells[cell].pendingTokens) / capacity.tokensPerSecond
  }

  private static func outputTokens(of request: CellRequest) -> Int {
    min(request.maxTokens ?? outputHorizonTokens, outputHorizonTokens)
  }
}
