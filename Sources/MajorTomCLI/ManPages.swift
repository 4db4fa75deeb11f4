import CommandLineModels
import CommandLineOptions

/// Pages for man(1) by their files' names: one of the tool, and one a command.
///
/// In the macros of man(7), which groff and mandoc both know.
func manPages() -> [(name: String, page: String)] {
  [("majortom.1", overviewPage())]
    + commands.map { ("\(pageName($0)).1", page($0)) }
}

private func pageName(_ command: Command) -> String {
  "majortom-" + command.words.replacing(" ", with: "-")
}

/// What every page begins with.
private func opening(_ name: String, _ summary: String) -> String {
  """
  .TH \(escaped(name.uppercased())) 1 \(versionDate) "majortom \(version)" "User Commands"
  .SH NAME
  \(escaped(name)) \\- \(escaped(summary))

  """
}

private func overviewPage() -> String {
  var text = opening(
    "majortom", "write, tag and translate text with networks learnt from your own data")
  text += """
    .SH SYNOPSIS
    .B majortom
    .I COMMAND
    .RI [ OPTION ...]
    .SH DESCRIPTION
    Trains recurrent networks on your own data: language models, taggers and translators; and uses them.
    Results go to standard output, everything else to standard error.
    .SH COMMANDS

    """
  for command in commands {
    text += ".TP\n.B \(escaped("majortom \(command.words)"))\n\(line(command.summary))\n"
  }
  text += """
    .SH OPTIONS
    .TP
    .BR \\-h ", " \\-\\-help
    The commands; after a command, what it does and its options.
    .TP
    .B \\-\\-version
    As
    .BR "majortom version" .

    """
  return text + ending + seeAlso(commands.map(pageName))
}

private func page(_ command: Command) -> String {
  var text = opening(pageName(command), command.summary)
  text += ".SH SYNOPSIS\n.B \(escaped("majortom \(command.words)"))\n\(line(command.synopsis))\n"
  text += ".SH DESCRIPTION\n"
  text += command.about.split(separator: "\n").map { line(String($0)) + "\n" }.joined()
  text += ".SH OPTIONS\n"
  for option in command.options {
    text += ".TP\n\(term(option))\n\(line(option.help))\n"
  }
  text += ".TP\n.BR \\-h \", \" \\-\\-help\nShow this help\n"
  return text + ending + seeAlso(["majortom"])
}

/// An option as it is typed, its argument in italics.
private func term(_ option: Option) -> String {
  let long =
    "\\fB\\-\\-\(escaped(option.name))\\fR"
    + (option.argument.map { " \\fI\(escaped($0))\\fR" } ?? "")
  return option.short.map { "\\fB\\-\(escaped(String($0)))\\fR, " + long } ?? long
}

private let ending = """
  .SH EXIT STATUS
  .TP
  .B 0
  All went well.
  .TP
  .B 1
  Something was wrong with a file, or with what it holds; one sentence on standard error says what.
  .TP
  .B 2
  The call cannot be meant; one sentence on standard error says why.
  .SH ENVIRONMENT
  .TP
  .B MAJORTOM_MODEL
  The model files to use where no option names one, separated by colons.
  .TP
  .B NO_COLOR
  Where it is set and not empty, nothing is coloured unless an option asks for it.

  """

private func seeAlso(_ names: [String]) -> String {
  let links = names.enumerated().map { place, name in
    ".BR \(escaped(name)) (1)\(place + 1 < names.count ? "," : "")\n"
  }
  return ".SH SEE ALSO\n" + links.joined()
}

/// A line of text, which must not begin like a request.
private func line(_ text: String) -> String {
  let text = escaped(text)
  return text.hasPrefix(".") || text.hasPrefix("'") ? "\\&" + text : text
}

/// Text with what troff would take for its own, and all beyond ASCII, by its names.
private func escaped(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\\": result += "\\e"
    case "-": result += "\\-"
    case "^": result += "\\(ha"
    case "~": result += "\\(ti"
    case "`": result += "\\(ga"
    case "'": result += "\\(aq"
    case _ where scalar.value < 0x7F: result.unicodeScalars.append(scalar)
    default:
      let digits = String(scalar.value, radix: 16, uppercase: true)
      result += "\\[u\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)]"
    }
  }
  return result
}
