/// A token's index in the model's vocabulary.
public typealias TokenID = UInt32

/// A number that names something, of a type of its own so that ids of different things never mix.
public protocol NumericIdentifier: RawRepresentable, Hashable, Comparable, Sendable
where RawValue: FixedWidthInteger {
  /// The identifier with this number.
  init(rawValue: RawValue)
}

extension NumericIdentifier {
  /// The identifier with this number.
  @inlinable
  public init(_ rawValue: RawValue) { self.init(rawValue: rawValue) }

  /// Orders by number.
  @inlinable
  public static func < (lhs: Self, rhs: Self) -> Bool { lhs.rawValue < rhs.rawValue }
}

/// A physical KV block of one worker: an index into its preallocated block memory.
public struct BlockID: NumericIdentifier {
  /// The index.
  public var rawValue: UInt32

  /// The block at this index.
  @inlinable
  public init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// A sequence: what gets scheduled for one request. Unique within one scheduler's life.
public struct SequenceID: NumericIdentifier {
  /// The sequence's number.
  public var rawValue: UInt64

  /// The sequence with this number.
  @inlinable
  public init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// The number of a step on one worker: 1, 2, 3, … since the worker joined.
public struct StepID: NumericIdentifier {
  /// The step's number.
  public var rawValue: UInt64

  /// The step with this number.
  @inlinable
  public init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// One membership of a worker: a worker that joins again gets a new, higher epoch, and results
/// that carry an older one are ignored (fencing).
public struct Epoch: NumericIdentifier {
  /// The epoch's number.
  public var rawValue: UInt64

  /// The epoch with this number.
  @inlinable
  public init(rawValue: UInt64) { self.rawValue = rawValue }
}
