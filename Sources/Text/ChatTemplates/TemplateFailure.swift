/// Why a template could not be compiled or rendered, before a line number is known.
struct TemplateFailure: Error {
  /// For people: what was wrong.
  var message: String
  /// The template line it was found on, where the source position is at hand.
  var line: Int?

  init(_ message: String, line: Int? = nil) {
    self.message = message
    self.line = line
  }

  /// A limit of ``TemplateLimits`` that was passed.
  static func limit(_ what: String, _ maximum: Int) -> TemplateFailure {
    TemplateFailure("\(what) must be at most \(maximum)")
  }
}
