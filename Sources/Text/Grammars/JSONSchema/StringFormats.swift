/// What `format` stands for: regular expressions that match as a whole.
///
/// Each allows only what validators take, and not all of it: a host name's top level is letters, an
/// address of IPv6 has all its groups, a URI its scheme and an authority.
enum StringFormats {
  static let expressions: [String: String] = [
    "date": date,
    "time": time,
    "date-time": "(?:\(date))T\(time)",
    "duration": #"P(?:\d{1,4}W|\d{1,4}D(?:T\#(clock))?|T\#(clock))"#,
    "uuid": "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
    "email": #"[A-Za-z0-9_+-]{1,32}(?:\.[A-Za-z0-9_+-]{1,16}){0,2}@\#(host)"#,
    "hostname": host,
    "ipv4": #"(?:\#(octet)\.){3}\#(octet)"#,
    "ipv6": "(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}",
    "uri": #"[a-z][a-z0-9+.-]{0,15}://\#(host)(?::[1-9]\d{0,3})?(?:/[A-Za-z0-9._~-]*)*"#
      + #"(?:\?[A-Za-z0-9._~=&-]*)?(?:#[A-Za-z0-9._~-]*)?"#,
  ]

  private static let octet = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
  private static let host =
    #"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?\.){1,4}[A-Za-z]{2,12}"#
  private static let clock =
    #"(?:\d{1,4}H(?:\d{1,4}M(?:\d{1,4}S)?)?|\d{1,4}M(?:\d{1,4}S)?|\d{1,4}S)"#
  private static let time =
    #"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)"#

  private static let year = #"(?:000[1-9]|00[1-9]\d|0[1-9]\d{2}|[1-9]\d{3})"#
  private static let leapYear =
    #"(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"#
  private static let day = #"(?:0[1-9]|1\d|2[0-8])"#
  private static let date =
    "\(year)-(?:(?:0[1-9]|1[0-2])-\(day)|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    + "|\(leapYear)-02-29"
}
