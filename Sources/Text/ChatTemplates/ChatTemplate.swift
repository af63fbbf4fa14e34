package import MeshTypes

/// A chat template: turns a conversation into the prompt that a model was trained on.
///
/// Templates are written in the language of Python's Jinja2 as Hugging Face's `transformers` sets
/// it up: `trim_blocks`, `lstrip_blocks`, the loop controls, a sandbox in which values do not
/// change, and the functions `raise_exception` and `strftime_now`. This type compiles a template
/// once and runs it any number of times, from any thread.
///
/// What differs from Python: integers have 64 bits; `recursive` loops, template inheritance and
/// imports, `\N{…}` escapes, attributes of numbers and the filters that only web pages use do not
/// exist; markup stays markup only through `+`; a name is looked up when it is used, where Jinja
/// takes one that the same body sets further down for undefined.
package struct ChatTemplate: Sendable {
  /// What a render may cost.
  package let limits: TemplateLimits
  private let program: Program

  /// The field that errors name.
  private static let field = "chat_template"

  /// Compiles a template.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` with the line of the error.
  package init(_ source: String, limits: TemplateLimits = .default) throws(MeshError) {
    self.limits = limits
    do {
      program = try Parser.parse(source, limits: limits)
    } catch {
      throw Self.error(error)
    }
  }

  /// Renders the template with these variables.
  ///
  /// - Parameters:
  ///   - context: The variables that the template may read.
  ///   - now: The time for `strftime_now`; without one the function does not exist.
  /// - Throws: ``MeshError`` `invalidArgument` with the line of the error: what the template
  ///   itself raises, a use that Python would refuse, or a limit that was passed.
  package func render(
    _ context: [String: TemplateValue],
    now: TemplateDate? = nil
  ) throws(MeshError) -> String {
    do {
      return try Interpreter.render(program, context: context, now: now, limits: limits)
    } catch {
      throw Self.error(error)
    }
  }

  /// Renders a conversation.
  ///
  /// - Parameters:
  ///   - messages: The conversation, oldest first.
  ///   - addsGenerationPrompt: Whether the prompt ends with the start of the assistant's answer.
  ///   - bosToken: The text of the model's first token, if it has one.
  ///   - eosToken: The text of the model's last token, if it has one.
  ///   - tools: Definitions of tools, as an array of JSON schemas.
  ///   - extra: Other variables, such as `enable_thinking`; they win over the named ones.
  ///   - now: The time for `strftime_now`.
  /// - Throws: ``MeshError`` as ``render(_:now:)`` does.
  package func render(
    messages: [ChatMessage],
    addsGenerationPrompt: Bool,
    bosToken: String? = nil,
    eosToken: String? = nil,
    tools: TemplateValue? = nil,
    extra: [String: TemplateValue] = [:],
    now: TemplateDate? = nil
  ) throws(MeshError) -> String {
    var context: [String: TemplateValue] = [
      "messages": .array(messages.map(\.value)),
      "add_generation_prompt": .boolean(addsGenerationPrompt),
      "tools": tools ?? .none,
      "documents": .none,
    ]
    if let bosToken { context["bos_token"] = .string(bosToken) }
    if let eosToken { context["eos_token"] = .string(eosToken) }
    context.merge(extra) { $1 }
    return try render(context, now: now)
  }

  private static func error(_ failure: TemplateFailure) -> MeshError {
    .invalid(field, (failure.line.map { "line \($0): " } ?? "") + failure.message)
  }
}
