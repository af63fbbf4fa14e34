extension RandomAccessCollection where Index == Int {
  /// The number of leading elements that `isBefore` holds for, where it holds for none behind them.
  ///
  /// - Complexity: O(log count).
  func count(whileLeading isBefore: (Element) -> Bool) -> Int {
    var low = startIndex
    var high = endIndex
    while low < high {
      let middle = low + (high - low) / 2
      if isBefore(self[middle]) { low = middle + 1 } else { high = middle }
    }
    return low - startIndex
  }
}
