/// Python's `str.upper`.
func uppercased(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars { result += scalar.properties.uppercaseMapping }
  return result
}

/// Python's `str.lower`, which knows the Greek final sigma.
func lowercased(_ text: String) -> String {
  let scalars = Array(text.unicodeScalars)
  var result = ""
  for index in scalars.indices { result += lowercaseMapping(scalars, at: index) }
  return result
}

private func lowercaseMapping(_ scalars: [Unicode.Scalar], at index: Int) -> String {
  if scalars[index] == "Σ", isFinalSigma(scalars, at: index) { return "ς" }
  return scalars[index].properties.lowercaseMapping
}

/// Unicode's Final_Sigma condition: a letter with case before, none after.
private func isFinalSigma(_ scalars: [Unicode.Scalar], at index: Int) -> Bool {
  let before = scalars[..<index].last { !$0.properties.isCaseIgnorable }
  let after = scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }
  return before?.properties.isCased == true && after?.properties.isCased != true
}

/// Python's `str.capitalize`.
func capitalized(_ text: String) -> String {
  guard let first = text.unicodeScalars.first else { return text }
  let lower = lowercased(text)
  let rest = lower.unicodeScalars.dropFirst(first.properties.lowercaseMapping.unicodeScalars.count)
  return first.properties.titlecaseMapping + String(String.UnicodeScalarView(rest))
}

/// Python's `str.title`: every run of letters begins with a capital.
func titlecased(_ text: String) -> String {
  var result = ""
  var followsCased = false
  let scalars = Array(text.unicodeScalars)
  for (index, scalar) in scalars.enumerated() {
    result +=
      followsCased ? lowercaseMapping(scalars, at: index) : scalar.properties.titlecaseMapping
    followsCased = scalar.properties.isCased
  }
  return result
}

/// Python's `str.swapcase`.
func swapCased(_ text: String) -> String {
  var result = ""
  let scalars = Array(text.unicodeScalars)
  for (index, scalar) in scalars.enumerated() {
    let properties = scalar.properties
    result +=
      properties.isUppercase ? lowercaseMapping(scalars, at: index) : properties.uppercaseMapping
  }
  return result
}
