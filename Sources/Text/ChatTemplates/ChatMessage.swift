/// One message of a conversation, as templates see it.
package struct ChatMessage: Sendable, Hashable {
  /// Who speaks: `system`, `user`, `assistant`, `tool`, or what else the template knows.
  package var role: String
  /// What is said: mostly a string; an array of parts or none where the template allows it.
  package var content: TemplateValue
  /// Who speaks, by name.
  package var name: String?
  /// Other fields, such as `tool_calls`, after the named ones.
  package var extra: TemplateObject

  /// Creates a message.
  package init(
    role: String,
    content: TemplateValue,
    name: String? = nil,
    extra: TemplateObject = [:]
  ) {
    self.role = role
    self.content = content
    self.name = name
    self.extra = extra
  }

  /// Creates a message of text.
  package init(role: String, text: String) {
    self.init(role: role, content: .string(text))
  }

  /// The object that templates see.
  package var value: TemplateValue {
    var pairs = [
      TemplateObject.Pair(key: "role", value: .string(role)),
      TemplateObject.Pair(key: "content", value: content),
    ]
    if let name { pairs.append(.init(key: "name", value: .string(name))) }
    return .object(TemplateObject(pairs + extra.pairs))
  }
}
