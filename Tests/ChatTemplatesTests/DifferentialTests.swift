import ChatTemplates
import MeshTypes
import Testing

/// The same bytes as Python's Jinja2, and an error wherever Python raises one.
@Suite("Python's Jinja2 and this interpreter agree")
struct DifferentialTests {
  /// Templates by name, compiled when first needed.
  private struct Compiled {
    var sources: [String: String]
    private var templates: [String: Result<ChatTemplate, MeshError>] = [:]

    init(_ sources: [String: String]) { self.sources = sources }

    mutating func render(
      _ name: String,
      _ context: [String: TemplateValue]
    ) throws -> Result<String, MeshError> {
      let source = try #require(sources[name])
      let template =
        templates[name]
        ?? Result { () throws(MeshError) in try ChatTemplate(source) }
      templates[name] = template
      return template.flatMap { template in
        Result { () throws(MeshError) in try template.render(context, now: PythonJinja.now) }
      }
    }
  }

  /// What is different, as a sentence; `nil` where both agree.
  private func difference(
    _ rendering: PythonJinja.Rendering,
    _ ours: Result<String, MeshError>
  ) -> String? {
    let place = "\(rendering.template), \(rendering.name)"
    switch (ours, rendering.output) {
    case (.failure, nil): return nil
    case (.failure(let error), _): return "\(place): only Swift throws: \(error)"
    case (.success, nil): return "\(place): only Python throws: \(rendering.error ?? "")"
    case (.success(let text), let expected?):
      if text.utf8.elementsEqual(expected.utf8) { return nil }
      let same = zip(text.utf8, expected.utf8).prefix { $0 == $1 }.count
      let from = max(0, same - 40)
      func excerpt(_ text: String) -> String {
        String(decoding: Array(text.utf8).dropFirst(from).prefix(120), as: UTF8.self)
      }
      return "\(place): at byte \(same)\n\(excerpt(text))\ninstead of\n\(excerpt(expected))"
    }
  }

  private func expectSame(
    templatesIn folder: String,
    atLeast minimum: Int
  ) async throws {
    let sources = try Fixtures.templates(in: folder)
    #expect(sources.count >= minimum)
    var compiled = Compiled(Dictionary(uniqueKeysWithValues: sources.map { ($0.name, $0.source) }))
    let conversations = try Fixtures.conversations()
    let contexts = Dictionary(uniqueKeysWithValues: conversations.map { ($0.name, $0.context) })
    let renderings = try await PythonJinja.render(
      "templates",
      folder,
      Fixtures.path("conversations.json")
    )
    #expect(renderings.count == sources.count * conversations.count)
    var differences: [String] = []
    for rendering in renderings {
      let context = try #require(contexts[rendering.name])
      let ours = try compiled.render(rendering.template, context)
      if let difference = difference(rendering, ours) { differences.append(difference) }
    }
    #expect(differences.prefix(20).joined(separator: "\n") == "")
    // Neither side may get out of the comparison by throwing everywhere.
    #expect(renderings.filter { $0.output != nil }.count > renderings.count / 2)
  }

  @Test("on this repository's templates")
  func fixtures() async throws {
    try await expectSame(templatesIn: Fixtures.path("templates"), atLeast: 8)
  }

  @Test("on real-world templates, word for word")
  func realWorld() async throws {
    try await expectSame(templatesIn: try await PythonJinja.realWorldTemplates(), atLeast: 15)
  }

  @Test("on expressions and statements, one by one")
  func expressions() async throws {
    let contextPath = Fixtures.path("expressions.json")
    let context = try #require(
      TemplateValue(parsingJSON: Fixtures.text(contextPath)).object
    )
    let renderings = try await PythonJinja.render(
      "expressions",
      Fixtures.path("expressions.txt"),
      contextPath
    )
    #expect(renderings.count > 1000)
    var differences: [String] = []
    for rendering in renderings {
      let source = String(rendering.template.map { $0 == "␤" ? "\n" : $0 })
      let ours = Result { () throws(MeshError) in
        try ChatTemplate(source).render(context, now: PythonJinja.now)
      }
      if let difference = difference(rendering, ours) { differences.append(difference) }
    }
    #expect(differences.prefix(20).joined(separator: "\n") == "")
  }
}
