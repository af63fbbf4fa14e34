/// Turns among tenants, so that each gets the same number of tokens while it wants them: start-time
/// fair queueing. It keeps what deficit round robin does, within one request of each tenant, with
/// ranks that never change.
///
/// A request's turn is where its tenant's former request ends, in tokens, but not before the turn that
/// has come already: who was away has saved nothing up.
struct FairShares: Sendable {
  private struct Account: Hashable {
    var priority: Int
    var tenant: String
  }

  /// Where the last request of each tenant ends.
  private var ends: [Account: Int] = [:]
  /// The turn that has come, by priority.
  private var present: [Int: Int] = [:]
  /// Accounts of tenants that are not behind say nothing; they are dropped at this number.
  private var limit = 64
  /// The most accounts. While everybody is new no turn passes, and no account would ever be dropped.
  private static let mostAccounts = 4096

  /// Tenants, by priority, that something is remembered of.
  var count: Int { ends.count }

  /// The turn of a tenant's next request.
  func turn(priority: Int, tenant: String) -> Int {
    let end = ends[Account(priority: priority, tenant: tenant)] ?? 0
    return max(present[priority] ?? 0, end)
  }

  /// Charges a request of this turn with so many tokens.
  mutating func charge(_ tokens: Int, turn: Int, priority: Int, tenant: String) {
    ends[Account(priority: priority, tenant: tenant)] = turn + tokens
    guard ends.count > limit else { return }
    ends = ends.filter { advance(of: $0) > 0 }
    if ends.count > Self.mostAccounts / 2 { keepMostAdvanced(Self.mostAccounts / 2) }
    limit = max(64, 2 * ends.count)
  }

  /// How far ahead of its turn a tenant has been served.
  private func advance(of end: (key: Account, value: Int)) -> Int {
    end.value - (present[end.key.priority] ?? 0)
  }

  /// Forgets those that would gain least by it.
  private mutating func keepMostAdvanced(_ count: Int) {
    let kept = ends.sorted {
      (advance(of: $1), $0.key.tenant, $0.key.priority)
        < (advance(of: $0), $1.key.tenant, $1.key.priority)
    }
    ends = Dictionary(uniqueKeysWithValues: kept.prefix(count).map { ($0.key, $0.value) })
  }

  /// Corrects a charge once it is known how many tokens it was.
  mutating func correct(by tokens: Int, priority: Int, tenant: String) {
    ends[Account(priority: priority, tenant: tenant)]? += tokens
  }

  /// Notes that a request of this turn has been placed.
  mutating func reach(_ turn: Int, priority: Int) {
    present[priority] = max(present[priority] ?? 0, turn)
  }
}
