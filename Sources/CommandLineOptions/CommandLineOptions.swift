internal import CPopt
internal import Files
internal import Glibc

/// One option of a command: a row of the table that parsing and `--help` are both made from.
public struct Option: Sendable {
  /// The long name, without its dashes.
  public let name: String
  /// The letter that stands for the name after a single dash; nil where there is none.
  public let short: Character?
  /// What stands for its argument in the help, such as `FILE`; nil where it stands alone.
  public let argument: String?
  /// What it does, in a line.
  public let help: String

  /// Whether it stands alone, without an argument.
  public var isFlag: Bool { argument == nil }

  /// How it is written: `-o, --output FILE`.
  public var synopsis: String {
    (short.map { "-\($0), " } ?? "") + "--\(name)" + (argument.map { " \($0)" } ?? "")
  }

  /// The names that its argument is one of, where the help lists nothing but names, as in `auto, always or
  /// never (default: auto)`; what a shell completes.
  public var choices: [String] { isFlag ? [] : namesListed(in: help) }

  /// An option that takes an argument, called `argument` in the help.
  public init(
    _ name: String, short: Character? = nil, _ argument: String, _ help: String
  ) {
    self.name = name
    self.short = short
    self.argument = argument
    self.help = help
  }

  /// An option that stands alone.
  public init(flag name: String, short: Character? = nil, _ help: String) {
    self.name = name
    self.short = short
    argument = nil
    self.help = help
  }
}

/// What a user typed that the command does not understand; the tool exits with 2.
public struct UsageError: Error, Sendable, CustomStringConvertible {
  /// One sentence.
  public let description: String

  /// An error of this sentence.
  public init(_ description: String) { self.description = description }
}

/// The words of a command line, parsed by popt against a table of options.
///
/// popt rather than argp, glibc's own: argp prints its errors and ends the process by itself, so it
/// could not name the nearest known option; popt returns them, and makes the help from the same
/// table.
public struct ParsedArguments: Sendable {
  /// The words that are no options, in order.
  public let words: [String]
  /// Whether `--help` was asked for and has been printed.
  public let printedHelp: Bool
  private let values: [String: [String]]

  /// Words and arguments that nobody typed, such as those of a file.
  public init(words: [String], values: [String: [String]]) {
    self.words = words
    self.values = values
    printedHelp = false
  }

  /// The same with what was not typed taken from elsewhere: the words where there are none, and each
  /// option that was not given.
  public func filled(from other: ParsedArguments) -> ParsedArguments {
    ParsedArguments(
      words: words.isEmpty ? other.words : words,
      values: values.merging(other.values) { own, _ in own })
  }

  /// The same with a value for an option.
  public func adding(_ name: String, _ value: String) -> ParsedArguments {
    var more = values
    more[name] = [value]
    return ParsedArguments(words: words, values: more)
  }

  /// The same without words.
  public var onlyOptions: ParsedArguments { ParsedArguments(words: [], values: values) }

  /// The same without some options.
  public func without(_ names: some Sequence<String>) -> ParsedArguments {
    var rest = values
    for name in names { rest[name] = nil }
    return ParsedArguments(words: words, values: rest)
  }

  /// Parses `arguments` (without the program's name), or prints the help to standard output.
  ///
  /// `command` is the name shown, such as `majortom generate`; `synopsis` what follows it. Throws
  /// `UsageError`.
  public init(
    _ arguments: [String], command: String, synopsis: String, about: String, options: [Option]
  ) throws(UsageError) {
    let table = PoptTable(options + [Option(flag: "help", short: "h", "Show this help")])
    let words = [command] + arguments
    var argv: [UnsafePointer<CChar>?] = words.map { UnsafePointer(strdup($0)) } + [nil]
    defer { for word in argv { free(UnsafeMutableRawPointer(mutating: word)) } }
    let context = argv.withUnsafeMutableBufferPointer {
      poptGetContext(command, Int32(words.count), $0.baseAddress, table.rows, 0)
    }
    defer { poptFreeContext(context) }
    poptSetOtherOptionHelp(context, synopsis)
    var values: [String: [String]] = [:]
    while true {
      let code = poptGetNextOpt(context)
      if code > 0 {
        let option = table.options[Int(code) - 1]
        let argument = poptGetOptArg(context)
        values[option.name, default: []].append(argument.map { String(cString: $0) } ?? "")
        free(argument)
      } else if code == -1 {
        break
      } else {
        let typed = poptBadOption(context, 0).map { String(cString: $0) } ?? ""
        throw Self.explain(code, typed: typed, command: command, options: table.options)
      }
    }
    var rest: [String] = []
    if let remaining = poptGetArgs(context) {
      var at = remaining
      while let word = at.pointee {
        rest.append(String(cString: word))
        at += 1
      }
    }
    self.words = rest
    self.values = values
    printedHelp = values["help"] != nil
    if printedHelp {
      print(about + "\n")
      if popt_print_help(context) != 0 {
        throw UsageError("the help could not be written to standard output")
      }
    }
  }

  private static func explain(
    _ code: Int32, typed: String, command: String, options: [Option]
  ) -> UsageError {
    if code == Int32(POPT_ERROR_NOARG) {
      return UsageError("\(quoted(typed)) needs an argument; see \(command) --help")
    }
    guard code == Int32(POPT_ERROR_BADOPT) else {
      return UsageError("\(quoted(typed)): \(String(cString: poptStrerror(code)))")
    }
    let name = typed.drop { $0 == "-" }.prefix { $0 != "=" }
    let nearest = nearestName(to: String(name), among: options.map(\.name))
    return UsageError(
      "unknown option \(quoted(typed))"
        + (nearest.map { "; did you mean --\($0)?" } ?? "; see \(command) --help"))
  }

  /// Whether an option was given.
  public func has(_ name: String) -> Bool { values[name] != nil }

  /// The option's argument, the last one if it was given more than once.
  public func text(_ name: String) -> String? { values[name]?.last }

  /// All arguments of an option that may be given more than once.
  public func texts(_ name: String) -> [String] { values[name] ?? [] }

  /// The option as a whole number in a range, or nil.
  ///
  /// Throws `UsageError`.
  public func integer(_ name: String, in range: ClosedRange<Int>) throws(UsageError) -> Int? {
    guard let text = text(name) else { return nil }
    guard let value = Int(text), range.contains(value) else {
      throw UsageError("--\(name) \(quoted(text)): expected a whole number \(bounds(of: range))")
    }
    return value
  }

  /// The option as a number in a range, or nil.
  ///
  /// Throws `UsageError`.
  public func number(_ name: String, in range: ClosedRange<Double>) throws(UsageError) -> Double? {
    guard let text = text(name) else { return nil }
    guard let value = Double(text), range.contains(value) else {
      let bounds =
        range.upperBound == .greatestFiniteMagnitude
        ? "of at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
      throw UsageError("--\(name) \(quoted(text)): expected a number \(bounds)")
    }
    return value
  }

  /// The option as one of the raw values of an enumeration, or nil.
  ///
  /// Throws `UsageError`.
  public func choice<Choice: RawRepresentable & CaseIterable>(
    _ name: String, of type: Choice.Type
  ) throws(UsageError) -> Choice? where Choice.RawValue == String {
    guard let text = text(name) else { return nil }
    guard let value = Choice(rawValue: text) else {
      let known = Choice.allCases.map(\.rawValue)
      let nearest = nearestName(to: text, among: known).map { "; did you mean \($0)?" } ?? ""
      throw UsageError(
        "--\(name) \(quoted(text)): expected one of \(known.joined(separator: ", "))\(nearest)")
    }
    return value
  }
}

/// A range of whole numbers for a sentence, without ends of which nobody could count the digits.
public func bounds(of range: ClosedRange<Int>) -> String {
  let most = 1_000_000_000_000_000
  if range.upperBound < most { return "from \(range.lowerBound) to \(range.upperBound)" }
  return range.lowerBound > -most ? "of at least \(range.lowerBound)" : "of at most 18 digits"
}

/// The names of a list such as `What a token is: byte, grapheme or word (default: grapheme)`; none where the
/// text lists anything but names.
private func namesListed(in help: String) -> [String] {
  var (plain, depth) = ("", 0)
  for character in help {
    if character == "(" { depth += 1 }
    if depth == 0 { plain.append(character) }
    if character == ")" { depth -= 1 }
  }
  let list = plain.split(separator: ": ").last.map(String.init) ?? ""
  let items = list.replacing(", or ", with: ", ").replacing(" or ", with: ", ").split(
    separator: ","
  )
  .map { String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
  let areNames = items.allSatisfy { item in
    !item.isEmpty
      && item.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
  }
  return areNames && items.count > 1 ? items : []
}

/// The known name that is fewest edits away, if any is near enough to be a slip of the fingers.
///
/// Capitals count as small letters.
public func nearestName(to typed: String, among known: [String]) -> String? {
  // Names are short; comparing takes time as long as what was typed.
  guard typed.utf8.count <= 100 else { return nil }
  let wanted = Array(typed.lowercased())
  let ranked = known.map { (name: $0, edits: edits(wanted, Array($0.lowercased()))) }
  guard let best = ranked.min(by: { $0.edits < $1.edits }) else { return nil }
  return best.edits <= max(1, min(typed.count, best.name.count) / 2) ? best.name : nil
}

/// Levenshtein's distance.
private func edits(_ a: [Character], _ b: [Character]) -> Int {
  var row = Array(0...b.count)
  for (i, x) in a.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, y) in b.enumerated() {
      let above = row[j + 1]
      row[j + 1] = min(above + 1, row[j] + 1, diagonal + (x == y ? 0 : 1))
      diagonal = above
    }
  }
  return row[b.count]
}

/// The C table of popt, owned for as long as a context reads it.
private final class PoptTable {
  let options: [Option]
  let rows: UnsafeMutablePointer<popt_row>

  init(_ options: [Option]) {
    self.options = options
    rows = .allocate(capacity: options.count + 1)
    for (index, option) in options.enumerated() {
      rows[index] = popt_row(
        longName: strdup(option.name), shortName: CChar(option.short?.asciiValue ?? 0),
        argInfo: UInt32(option.argument == nil ? POPT_ARG_NONE : POPT_ARG_STRING), arg: nil,
        val: Int32(index + 1), descrip: strdup(option.help),
        argDescrip: option.argument.flatMap { strdup($0) })
    }
    rows[options.count] = popt_row()
  }

  deinit {
    for index in options.indices {
      free(UnsafeMutableRawPointer(mutating: rows[index].longName))
      free(UnsafeMutableRawPointer(mutating: rows[index].descrip))
      free(UnsafeMutableRawPointer(mutating: rows[index].argDescrip))
    }
    rows.deallocate()
  }
}
