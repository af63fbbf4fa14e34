/// A local time for `strftime_now`. The caller reads the clock; templates have none.
package struct TemplateDate: Sendable, Hashable {
  package var year: Int
  /// 1 to 12.
  package var month: Int
  /// 1 to 31.
  package var day: Int
  package var hour: Int
  package var minute: Int
  package var second: Int

  /// Creates a time; every part is brought into its range.
  package init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
    self.year = min(max(year, 1), 9999)
    self.month = min(max(month, 1), 12)
    self.day = min(max(day, 1), 31)
    self.hour = min(max(hour, 0), 23)
    self.minute = min(max(minute, 0), 59)
    self.second = min(max(second, 0), 59)
  }

  /// Creates the UTC time of a Unix timestamp, by Howard Hinnant's `civil_from_days`.
  package init(unixSeconds: Int) {
    let seconds = min(max(unixSeconds, -62_135_596_800), 253_402_300_799)
    var days = seconds / 86400
    var rest = seconds % 86400
    if rest < 0 {
      rest += 86400
      days -= 1
    }
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    self.init(
      year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
      month: month,
      day: dayOfYear - (153 * shiftedMonth + 2) / 5 + 1,
      hour: rest / 3600,
      minute: rest / 60 % 60,
      second: rest % 60
    )
  }

  private static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
  ]
  private static let weekdays = [
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
  ]

  private var isLeapYear: Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

  /// 1 to 366.
  private var dayOfYear: Int {
    let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334][month - 1]
    return before + day + (month > 2 && isLeapYear ? 1 : 0)
  }

  /// 0 is Sunday.
  private var weekday: Int {
    let years = year - 1
    return (years * 365 + years / 4 - years / 100 + years / 400 + dayOfYear) % 7
  }

  /// The time as C's `strftime` prints it in the C locale; unknown directives stay as they are.
  package func formatted(_ format: String) -> String {
    var text = ""
    var scalars = format.unicodeScalars.makeIterator()
    while let scalar = scalars.next() {
      guard scalar == "%" else {
        text.unicodeScalars.append(scalar)
        continue
      }
      guard let directive = scalars.next() else {
        text += "%"
        break
      }
      guard directive == "-" else {
        text += expanded(directive) ?? "%" + String(Character(directive))
        continue
      }
      guard let unpadded = scalars.next() else {
        text += "%-"
        break
      }
      let number = expanded(unpadded) ?? "%-" + String(Character(unpadded))
      let stripped = number.drop { $0 == "0" || $0 == " " }
      text += stripped.isEmpty ? "0" : String(stripped)
    }
    return text
  }

  private func expanded(_ directive: Unicode.Scalar) -> String? {
    let hour12 = hour % 12 == 0 ? 12 : hour % 12
    switch directive {
    case "Y": return padded(year, 4)
    case "y": return padded(year % 100)
    case "C": return padded(year / 100)
    case "m": return padded(month)
    case "d": return padded(day)
    case "e": return day < 10 ? " \(day)" : "\(day)"
    case "H": return padded(hour)
    case "I": return padded(hour12)
    case "M": return padded(minute)
    case "S": return padded(second)
    case "f": return "000000"
    case "p": return hour < 12 ? "AM" : "PM"
    case "j": return padded(dayOfYear, 3)
    case "w": return "\(weekday)"
    case "u": return "\(weekday == 0 ? 7 : weekday)"
    case "A": return Self.weekdays[weekday]
    case "a": return String(Self.weekdays[weekday].prefix(3))
    case "B": return Self.months[month - 1]
    case "b", "h": return String(Self.months[month - 1].prefix(3))
    case "F": return formatted("%Y-%m-%d")
    case "D", "x": return formatted("%m/%d/%y")
    case "T", "X": return formatted("%H:%M:%S")
    case "R": return formatted("%H:%M")
    case "c": return formatted("%a %b %e %H:%M:%S %Y")
    case "Z", "z": return ""
    case "n": return "\n"
    case "t": return "\t"
    case "%": return "%"
    default: return nil
    }
  }

  private func padded(_ value: Int, _ width: Int = 2) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }
}
