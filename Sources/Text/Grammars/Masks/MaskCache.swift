import MeshTypes

/// Which tokens each state of a grammar allows, found as they are needed and kept.
///
/// A token is tried not alone but as a way down ``TokenTree``. What the states on top of a stack
/// allow by themselves is found once, whatever lies under them: ``LocalMask``. Only tokens in
/// which a rule ends and others go on are tried again with the whole stack.
struct MaskCache: Sendable {
  typealias SetID = ConfigurationTable.SetID

  /// What the states of one rule allow.
  private struct LocalMask: Sendable {
    /// Tokens that stay within the rule, or end with it.
    var mask: TokenMask
    /// Nodes where the rule may end and tokens go on.
    var exits: [Int32]
    /// How deep stacks become on top of the rule's.
    var depth: Int
  }

  private let tree: TokenTree
  private let limit: Int
  private(set) var table: ConfigurationTable
  private var localMasks: [SetID: LocalMask] = [:]
  private var masks: [SetID: TokenMask] = [:]
  /// The sets on the way to a node, by depth.
  private var path: [SetID]
  /// Scratch of walks whose exits do not count.
  private var exits: [Int32] = []

  /// Changes whenever numbers of sets lose their meaning.
  private(set) var generation = 0

  /// - Parameter byteLimit: The memory to take, about, before all is forgotten.
  init(_ grammar: Grammar, _ tree: TokenTree, byteLimit: Int) {
    self.tree = tree
    limit = byteLimit
    table = ConfigurationTable(grammar)
    path = Array(repeating: ConfigurationTable.dead, count: tree.maximumDepth + 1)
  }

  /// The memory taken, about.
  var byteCount: Int {
    let maskBytes = tree.vocabularySize / 8 + 64
    return table.byteCount + (masks.count + localMasks.count) * maskBytes
  }

  /// Forgets all if too much is known. Numbers of sets lose their meaning.
  mutating func forgetIfFull() {
    guard byteCount > limit else { return }
    generation += 1
    table = ConfigurationTable(table.grammar)
    localMasks.removeAll(keepingCapacity: true)
    masks.removeAll(keepingCapacity: true)
  }

  /// Counts the table's work from here on.
  mutating func beginWork() { table.beginWork() }

  /// The set that a byte leads to.
  mutating func next(_ set: SetID, _ byte: UInt8) -> SetID { table.next(set, byte) }

  /// The tokens that may come next in a set, tokens that end a generation included.
  ///
  /// - Throws: `MeshError` `resourceExhausted` if they take too much work to find.
  mutating func mask(of set: SetID) throws(MeshError) -> TokenMask {
    if let known = masks[set] { return known }
    table.beginWork()
    var mask = TokenMask(vocabularySize: tree.vocabularySize)
    var members = table.members(of: set)
    while let stack = members.first?.stack {
      let group = members.prefix { $0.stack == stack }
      members = members.dropFirst(group.count)
      addTokens(of: group.map(\.state), on: stack, to: &mask)
    }
    if table.hasExit(set) {
      for id in tree.endTokenIDs { mask.insert(id) }
    }
    guard !table.isExhausted else {
      let grammar = table.grammar
      throw MeshError(
        .resourceExhausted,
        "\(grammar.field): the next tokens take more than \(grammar.limits.maskWorkUnits) steps"
          + " to find",
        field: grammar.field
      )
    }
    masks[set] = mask
    return mask
  }

  private mutating func addTokens(
    of states: [Automaton.StateID],
    on stack: StackTable.StackID,
    to mask: inout TokenMask
  ) {
    let local = localMask(of: table.set(of: states, on: StackTable.empty))
    guard
      table.stacks.depth(of: stack) + local.depth <= table.grammar.limits.stackDepth
    else {
      // Near the limit the depth of the whole stack counts.
      let set = table.set(of: states, on: stack)
      return walk(below: nil, from: set, to: &mask)
    }
    mask.formUnion(local.mask)
    guard stack != StackTable.empty, !local.exits.isEmpty else { return }
    let after = table.set(returningTo: stack)
    for node in local.exits { walk(below: Int(node), from: after, to: &mask) }
  }

  private mutating func localMask(of set: SetID) -> LocalMask {
    if let known = localMasks[set] { return known }
    var local = LocalMask(mask: TokenMask(vocabularySize: tree.vocabularySize), exits: [], depth: 0)
    local.depth = table.walk(tree, nil, from: set, &path, to: &local.mask, exits: &local.exits)
    if !table.isExhausted { localMasks[set] = local }
    return local
  }

  private mutating func walk(below node: Int?, from set: SetID, to mask: inout TokenMask) {
    exits.removeAll(keepingCapacity: true)
    _ = table.walk(tree, node, from: set, &path, to: &mask, exits: &exits)
  }
}

extension ConfigurationTable {
  /// Adds the tokens below a node, or all, that lead on from a set.
  ///
  /// - Parameters:
  ///   - path: Scratch: the sets on the way to a node, by depth.
  ///   - exits: Gets the nodes with others below where the outermost rule may end.
  /// - Returns: The depth of the deepest stack on the way.
  fileprivate mutating func walk(
    _ tree: TokenTree,
    _ top: Int?,
    from set: SetID,
    _ path: inout [SetID],
    to mask: inout TokenMask,
    exits: inout [Int32]
  ) -> Int {
    let (bytes, depths, ends) = (tree.bytes.span, tree.depths.span, tree.ends.span)
    let (firstTokens, tokenIDs) = (tree.firstTokens.span, tree.tokenIDs.span)
    var words = mask.words.mutableSpan
    var path = path.mutableSpan
    var node = top.map { $0 + 1 } ?? 0
    let end = top.map { Int(ends[$0]) } ?? bytes.count
    var deepest = 0
    path[top.map { Int(depths[$0]) } ?? 0] = set
    while node < end {
      let level = Int(depths[node])
      let next = self.next(path[level - 1], bytes[node])
      guard next != Self.dead else {
        node = Int(ends[node])
        continue
      }
      path[level] = next
      for index in Int(firstTokens[node])..<Int(firstTokens[node + 1]) {
        let id = Int(tokenIDs[index])
        words[id / 64] |= 1 << UInt64(id % 64)
      }
      deepest = max(deepest, depth(of: next))
      if hasExit(next), Int(ends[node]) > node + 1 { exits.append(Int32(node)) }
      node += 1
    }
    return deepest
  }
}
