/// What the pre-tokenizers tell apart about a character.
enum ScalarKind {
  /// `\p{L}`: general categories Lu, Ll, Lt, Lm, Lo.
  case letter
  /// `\p{N}`: general categories Nd, Nl, No.
  case number
  /// `\r` or `\n`.
  case lineBreak
  /// `\s` but for `\r` and `\n`: the rest of Unicode's White_Space.
  case space
  /// Everything else: punctuation, symbols, marks, controls, unassigned.
  case other

  /// Whether `\s` matches.
  var isWhitespace: Bool { self == .space || self == .lineBreak }

  /// Classifies a character outside ASCII.
  init(beyondASCII scalar: Unicode.Scalar) {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      self = .letter
    case .decimalNumber, .letterNumber, .otherNumber:
      self = .number
    case .spaceSeparator, .lineSeparator, .paragraphSeparator, .control:
      // Of the controls only U+0085 (next line) is white space outside ASCII.
      self = scalar.properties.isWhitespace ? .space : .other
    default:
      self = .other
    }
  }

  /// Classifies an ASCII character.
  @inline(__always)
  init(ascii byte: UInt8) {
    if (byte | 0x20) &- 0x61 < 26 {
      self = .letter
    } else if byte &- 0x30 < 10 {
      self = .number
    } else if byte == 0x0A || byte == 0x0D {
      self = .lineBreak
    } else if byte == 0x20 || byte &- 0x09 < 5 {
      self = .space
    } else {
      self = .other
    }
  }
}

/// One character of UTF-8 text, as a scanner sees it.
struct ScannedScalar {
  var kind: ScalarKind
  /// In bytes, 1...4.
  var length: Int

  /// Reads the character that begins at `position`.
  ///
  /// - Precondition: `text` is valid UTF-8 and a character begins at `position`.
  @inline(__always)
  init(at position: Int, in text: Span<UInt8>) {
    let lead = text[position]
    if lead < 0x80 {
      self.init(kind: ScalarKind(ascii: lead), length: 1)
    } else {
      self.init(multibyteAt: position, in: text)
    }
  }

  /// The character that begins at `position`, under the same conditions.
  @inline(__always)
  static func scalar(at position: Int, in text: Span<UInt8>) -> Unicode.Scalar {
    let lead = text[position]
    if lead < 0x80 { return Unicode.Scalar(lead) }
    let length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
    var value = UInt32(lead) & (0x7F >> UInt32(length))
    for offset in 1..<length {
      value = value << 6 | UInt32(text[position + offset] & 0x3F)
    }
    return Unicode.Scalar(value)!
  }

  private init(kind: ScalarKind, length: Int) {
    self.kind = kind
    self.length = length
  }

  @inline(never)
  private init(multibyteAt position: Int, in text: Span<UInt8>) {
    let scalar = Self.scalar(at: position, in: text)
    self.init(kind: ScalarKind(beyondASCII: scalar), length: UTF8.width(scalar))
  }
}

extension Span<UInt8> {
  /// The end of the run of characters of one kind that begins at `start` and may be empty.
  @inline(__always)
  func endOfRun(of kind: ScalarKind, from start: Int) -> Int {
    var position = start
    while position < count {
      let scalar = ScannedScalar(at: position, in: self)
      guard scalar.kind == kind else { break }
      position += scalar.length
    }
    return position
  }
}
