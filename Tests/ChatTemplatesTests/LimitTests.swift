import ChatTemplates
import Foundation
import MeshTypes
import Testing

@Suite("Limits: whatever a template does, it ends with a typed error")
struct LimitTests {
  #if DEBUG
    // Frames of unoptimised code are several times larger.
    private static let stackBytes = 4 << 20
  #else
    private static let stackBytes = 512 << 10
  #endif

  /// The error of compiling and rendering, on a thread with a small stack.
  private func error(
    of source: String,
    limits: TemplateLimits = .default,
    context: [String: TemplateValue] = [:]
  ) async -> MeshError? {
    await withCheckedContinuation { continuation in
      let thread = Thread {
        let result = Result { () throws(MeshError) in
          try ChatTemplate(source, limits: limits).render(context)
        }
        if case .failure(let error) = result {
          continuation.resume(returning: error)
        } else {
          continuation.resume(returning: nil)
        }
      }
      thread.stackSize = Self.stackBytes
      thread.start()
    }
  }

  private func expectError(
    _ source: String,
    _ message: String,
    limits: TemplateLimits = .default,
    context: [String: TemplateValue] = [:]
  ) async {
    let error = await error(of: source, limits: limits, context: context)
    #expect(error?.code == .invalidArgument, "\(source.prefix(60))")
    #expect(error?.field == "chat_template", "\(source.prefix(60))")
    #expect(error?.message.contains(message) == true, "\(String(describing: error))")
  }

  private func many(_ text: String, _ count: Int = 100_000) -> String {
    String(repeating: text, count: count)
  }

  @Test("a source may nest only so deep, however it does")
  func nesting() async {
    let count = 30_000
    for (opening, closing) in [
      ("(", ")"), ("[", "]"), ("{1:", "}"), ("not ", ""), ("- ", ""), ("x(", ")"), ("x[", "]"),
      ("x|d(", ")"), ("1 if 1 else ", ""), ("1 is eq (", ")"), ("1 + (", ")"),
    ] {
      await expectError("{{ \(many(opening, count))1\(many(closing, count)) }}", "nest")
    }
    await expectError("{{ \(many("1 if ", count))1 }}", "inline conditions in a row")
    await expectError("{% set \(many("(", count))x\(many(")", count)) = 1 %}", "nest")
    for opening in ["{% if x %}", "{% for x in y %}", "{% macro x() %}", "{% set x %}"] {
      await expectError(many(opening, count), "nest")
    }
  }

  @Test("long chains are no nesting")
  func chains() async {
    for source in [
      "{{ 1" + many(" + 1", 50_000) + " }}", "{{ 1" + many(" ~ 1", 50_000) + " }}",
      "{{ 1" + many(" and 1", 50_000) + " }}", "{{ 0" + many(" or 0", 50_000) + " }}",
      "{{ x" + many("|d", 50_000) + " }}",
      "{{ 1" + many(" < 2", 50_000) + " }}", "{{ 'a'" + many("|upper", 50_000) + " }}",
      "{% if 0 %}" + many("{% elif 0 %}", 30_000) + "{% endif %}",
    ] {
      #expect(await error(of: source) == nil, "\(source.prefix(40))")
    }
  }

  @Test("what is allowed to nest fits the stack when it runs")
  func deepestRun() async {
    let parentheses = "{{ " + many("(", 90) + "1" + many(")", 90) + " }}"
    #expect(await error(of: parentheses) == nil)
    let conditions = many("{% if 1 %}", 90) + "x" + many("{% endif %}", 90)
    #expect(await error(of: conditions) == nil)
    let recursion =
      "{% macro m(n) %}{{ [[[[[[[[m(n + 1)]]]]]]]] | join | upper }}{% endmacro %}{{ m(0) }}"
    await expectError(recursion, "at most")
    let filters =
      "{% macro m(n) %}{{ [1] | map('string') | map('upper') | join(m(n)) }}{% endmacro %}"
    await expectError(filters + "{{ m(0) }}", "at most")
    let bodies = "{% macro m() %}" + many("{% if 1 %}", 80) + "{{ m() }}" + many("{% endif %}", 80)
    await expectError(bodies + "{% endmacro %}{{ m() }}", "at most")
    let callers = "{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}"
    await expectError(callers, "at most")
  }

  @Test("a run takes only so many steps")
  func steps() async {
    var limits = TemplateLimits.default
    limits.steps = 100_000
    let loops =
      "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}x{% endfor %}"
      + "{% endfor %}{% endfor %}"
    await expectError(loops, "steps must be at most 100000", limits: limits)
    await expectError(
      "{% for a in range(100000) %}{% if 'x' * 10000 == 'y' %}{% endif %}{% endfor %}",
      "steps",
      limits: limits
    )
  }

  @Test("values and output are bounded before they are made")
  func sizes() async {
    await expectError("{{ 'x' * 10000000000 }}", "bytes of a string must be at most")
    await expectError("{{ [1] * 10000000000 }}", "items of a list must be at most")
    await expectError("{{ '%0999999999d' % 1 }}", "must be at most")
    await expectError("{{ '%99999999999999999999d' % 1 }}", "too large")
    await expectError("{{ '{:>999999999}'.format(1) }}", "must be at most")
    await expectError("{{ 'a'.center(9223372036854775807) }}", "must be at most")
    await expectError("{{ range(100001) }}", "items of range() must be at most 100000")
    await expectError("{{ 'a'|indent(1000000000) }}", "must be at most")
    await expectError("{{ {}|tojson(indent=1000000000) }}", "must be at most")
    await expectError(
      "{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}"
        + "{% endfor %}",
      "bytes of a string"
    )
    await expectError(
      "{% set ns = namespace(s='x') %}{% for i in range(100) %}"
        + "{% set ns.s = ns.s.replace('x', 'xx') %}{% endfor %}",
      "must be at most"
    )
    await expectError(
      "{% for i in range(100000) %}{{ 'x' * 10000 }}{% endfor %}",
      "the prompt's bytes"
    )
    var limits = TemplateLimits.default
    limits.sourceBytes = 10
    await expectError("12345678901", "the template's bytes must be at most 10", limits: limits)
  }

  @Test("values nest only so deep, and printing shared ones stays bounded")
  func valueDepth() async {
    let grow = "{% set ns = namespace(l=[]) %}{% for i in range(1000) %}"
    await expectError(grow + "{% set ns.l = [ns.l] %}{% endfor %}", "nesting of values")
    await expectError(grow + "{% set ns.l = {'a': ns.l} %}{% endfor %}", "nesting of values")
    await expectError(grow + "{% set ns.l = [ns.l]|map('list') %}{% endfor %}", "must be at most")
    let share =
      "{% set ns = namespace(l=[]) %}{% for i in range(50) %}"
      + "{% set ns.l = [ns.l, ns.l] %}{% endfor %}"
    for use in [
      "{{ ns.l }}", "{{ ns.l|tojson }}", "{{ ns.l == ns.l[:] }}", "{{ ns.l in [ns.l[:]] }}",
    ] {
      await expectError(share + use, "must be at most")
    }
    await expectError(
      "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}",
      "nesting of a printed value"
    )
    let chain =
      "{% set ns = namespace(n=namespace()) %}{% for i in range(50) %}"
      + "{% set o = namespace(a=ns.n, b=ns.n) %}{% set ns.n = o %}{% endfor %}{{ ns.n }}"
    await expectError(chain, "must be at most")
    var value = TemplateValue.none
    for _ in 0..<100 { value = .array([value]) }
    await expectError("{{ x }}", "nesting of values", context: ["x": value])
  }

  @Test("long chains of namespaces and macros are taken apart without recursion")
  func cycles() async {
    let chain =
      "{% set ns = namespace(n=none) %}{% for i in range(50000) %}"
      + "{% set o = namespace(n=ns.n) %}{% set ns.n = o %}{% endfor %}"
    #expect(await error(of: chain) == nil)
    let macros =
      "{% set ns = namespace(m=none) %}{% for i in range(50000) %}{% set previous = ns.m %}"
      + "{% macro m() %}{{ previous }}{% endmacro %}{% set ns.m = m %}{% endfor %}"
    #expect(await error(of: macros) == nil)
  }

  @Test("arithmetic that does not fit is an error")
  func arithmetic() async {
    for expression in [
      "9223372036854775807 + 1", "-9223372036854775807 - 2", "9223372036854775807 * 2", "2 ** 64",
      "10 ** 400", "(-9223372036854775807 - 1) // -1", "-(-9223372036854775807 - 1)",
      "(-9223372036854775807 - 1)|abs", "1e300|int", "99999999999999999999",
    ] {
      await expectError("{{ \(expression) }}", "fit 64 bits")
    }
    for expression in ["1 / 0", "1 // 0", "1 % 0", "1.5 // 0", "0 ** -1", "1 is divisibleby 0"] {
      #expect(await error(of: "{{ \(expression) }}") != nil, "\(expression)")
    }
    #expect(await error(of: "{{ (-9223372036854775807 - 1) % -1 }}") == nil)
    #expect(await error(of: "{{ 'abc'[::9223372036854775807] }}") == nil)
    #expect(await error(of: "{{ 'abc'[::-9223372036854775807 - 1] }}") == nil)
    #expect(await error(of: "{{ 'abc'[-9223372036854775807 - 1:9223372036854775807] }}") == nil)
    #expect(await error(of: "{{ range(9223372036854775800, 9223372036854775807, 5)|list }}") == nil)
  }
}
