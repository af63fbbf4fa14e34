import ChatTemplates
import Testing

@Suite("Dates for templates")
struct TemplateDateTests {
  @Test(
    "come from Unix time",
    arguments: [
      (0, "1970-01-01 00:00:00 Thu 001"), (951_782_399, "2000-02-28 23:59:59 Mon 059"),
      (951_782_400, "2000-02-29 00:00:00 Tue 060"), (1_735_689_599, "2024-12-31 23:59:59 Tue 366"),
      (-1, "1969-12-31 23:59:59 Wed 365"), (4_107_542_400, "2100-03-01 00:00:00 Mon 060"),
    ]
  )
  func unix(seconds: Int, expected: String) {
    #expect(TemplateDate(unixSeconds: seconds).formatted("%Y-%m-%d %H:%M:%S %a %j") == expected)
  }

  @Test("stay in range whatever they are made from")
  func extremes() {
    #expect(TemplateDate(unixSeconds: .max).formatted("%F") == "9999-12-31")
    #expect(TemplateDate(unixSeconds: .min).formatted("%F") == "0001-01-01")
    #expect(TemplateDate(year: -5, month: 99, day: 0).formatted("%F %%%q%") == "0001-12-01 %%q%")
  }
}
