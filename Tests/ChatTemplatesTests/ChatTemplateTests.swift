import ChatTemplates
import MeshTypes
import Testing

@Suite("Chat templates")
struct ChatTemplateTests {
  private static let chatML = """
    {% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + \
    message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}\
    {% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
    """

  @Test("turn a conversation into a prompt")
  func conversation() throws {
    let prompt = try ChatTemplate(Self.chatML).render(
      messages: [
        ChatMessage(role: "system", text: "Be brief."), ChatMessage(role: "user", text: "Hi"),
      ],
      addsGenerationPrompt: true
    )
    #expect(
      prompt == """
        <|im_start|>system
        Be brief.<|im_end|>
        <|im_start|>user
        Hi<|im_end|>
        <|im_start|>assistant

        """
    )
  }

  @Test("end without the assistant's start where it is not wanted")
  func noGenerationPrompt() throws {
    let prompt = try ChatTemplate(Self.chatML).render(
      messages: [ChatMessage(role: "user", text: "Hi")],
      addsGenerationPrompt: false
    )
    #expect(prompt == "<|im_start|>user\nHi<|im_end|>\n")
  }

  @Test("see the tokens, tools, names and whatever else is given")
  func variables() throws {
    let template = try ChatTemplate(
      "{{ bos_token }}|{{ eos_token }}|{{ tools }}|{{ documents }}|{{ flag }}|{{ messages }}"
    )
    let prompt = try template.render(
      messages: [
        ChatMessage(role: "user", content: ["part"], name: "ann", extra: ["mood": .float(0.5)])
      ],
      addsGenerationPrompt: false,
      bosToken: "<s>",
      tools: [["name": "f"]],
      extra: ["flag": true]
    )
    #expect(
      prompt
        == "<s>||[{'name': 'f'}]|None|True|[{'role': 'user', 'content': ['part'], 'name': 'ann', 'mood': 0.5}]"
    )
  }

  @Test("let the caller's variables win over the named ones")
  func extraWins() throws {
    let prompt = try ChatTemplate("{{ bos_token }}").render(
      messages: [],
      addsGenerationPrompt: false,
      bosToken: "a",
      extra: ["bos_token": "b"]
    )
    #expect(prompt == "b")
  }

  @Test("raise errors of their own, with the line")
  func raised() throws {
    let template = try ChatTemplate(
      "\n{% if messages %}\n{{ raise_exception('roles!') }}{% endif %}"
    )
    #expect(throws: MeshError.invalid("chat_template", "line 3: roles!")) {
      try template.render(
        messages: [ChatMessage(role: "user", text: "Hi")],
        addsGenerationPrompt: true
      )
    }
  }

  @Test("report wrong syntax with the line")
  func syntax() {
    #expect(throws: MeshError.invalid("chat_template", "line 2: unknown tag 'foo'")) {
      try ChatTemplate("a\n{% foo %}")
    }
    #expect(throws: MeshError.invalid("chat_template", "line 1: no filter named 'rot13'")) {
      try ChatTemplate("{{ x|rot13 }}")
    }
  }

  @Test("say what was undefined")
  func undefined() throws {
    #expect(throws: MeshError.invalid("chat_template", "line 1: 'tools' is undefined")) {
      try ChatTemplate("{{ tools.x }}").render([:])
    }
    #expect(
      throws: MeshError.invalid("chat_template", "line 1: 'dict object' has no attribute 'b'")
    ) {
      try ChatTemplate("{{ a.b.c }}").render(["a": [:]])
    }
  }

  @Test("have no clock but the one they are given")
  func clock() throws {
    let template = try ChatTemplate(
      "{{ strftime_now('%d %b %Y') if strftime_now is defined else 'no date' }}"
    )
    #expect(try template.render([:]) == "no date")
    let now = TemplateDate(year: 2025, month: 3, day: 9)
    #expect(try template.render([:], now: now) == "09 Mar 2025")
  }

  @Test("tell code points apart that Swift takes for equal")
  func canonicalEquivalence() throws {
    let context: [String: TemplateValue] = ["a": "\u{E9}", "b": "e\u{301}"]
    #expect(try ChatTemplate("{{ a == b }} {{ b|length }}").render(context) == "False 2")
    #expect(try ChatTemplate("{{ {a: 1, b: 2}|length }}").render(context) == "2")
  }

  @Test("render the same every time, from any task")
  func concurrent() async throws {
    let template = try ChatTemplate(Self.chatML)
    let messages = (0..<100).map { ChatMessage(role: "user", text: "message \($0)") }
    let expected = try template.render(messages: messages, addsGenerationPrompt: true)
    await withTaskGroup(of: String?.self) { group in
      for _ in 0..<8 {
        group.addTask { try? template.render(messages: messages, addsGenerationPrompt: true) }
      }
      for await prompt in group { #expect(prompt == expected) }
    }
  }
}
