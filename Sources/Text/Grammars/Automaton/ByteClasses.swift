/// Bytes that no state of an automaton tells apart, as one class each.
struct ByteClasses: Sendable {
  /// The class of each byte.
  let classes: [UInt8]
  /// How many classes there are.
  let count: Int
  /// A byte of each class.
  let representatives: [UInt8]

  init(_ edges: [Automaton.Edge]) {
    var begins = [Bool](repeating: false, count: 257)
    for edge in edges {
      begins[Int(edge.low)] = true
      begins[Int(edge.high) + 1] = true
    }
    var classes: [UInt8] = []
    var representatives: [UInt8] = []
    for byte in 0..<256 {
      if byte == 0 || begins[byte] { representatives.append(UInt8(byte)) }
      classes.append(UInt8(representatives.count - 1))
    }
    self.classes = classes
    self.representatives = representatives
    count = representatives.count
  }
}
