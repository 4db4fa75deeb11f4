import CommandLineOptions
import Testing

private let options = [
  Option("seed", short: "s", "S", "Seed of the random numbers"),
  Option("rate", short: "r", "R", "Learning rate"),
  Option("prompt", "TEXT", "Text to begin with"),
  Option("temperature", "T", "Boldness"),
  Option("cell", "KIND", "Kind of cell"),
  Option(flag: "json", short: "j", "Print JSON"),
  Option(flag: "verbose", short: "v", "Say more"),
]

private func parse(_ arguments: String...) throws(UsageError) -> ParsedArguments {
  try ParsedArguments(
    arguments, command: "majortom test", synopsis: "[WORD...]", about: "A command of the tests.",
    options: options)
}

private func sentence<Result>(_ body: () throws -> Result) -> String? {
  #expect(throws: UsageError.self) { try body() }?.description
}

@Suite struct OptionParsingTests {
  @Test func longOptionsTakeTheNextWord() throws {
    #expect(try parse("--seed", "7").text("seed") == "7")
  }

  @Test func longOptionsTakeWhatFollowsTheEqualsSign() throws {
    #expect(try parse("--seed=7").text("seed") == "7")
    #expect(try parse("--prompt=a=b").text("prompt") == "a=b")
  }

  @Test func shortOptionsTakeTheNextWord() throws {
    #expect(try parse("-s", "7").text("seed") == "7")
  }

  @Test func shortOptionsTakeTheRestOfTheWord() throws {
    #expect(try parse("-s7").text("seed") == "7")
  }

  @Test func shortFlagsMayShareAWord() throws {
    let parsed = try parse("-jv")
    #expect(parsed.has("json") && parsed.has("verbose") && !parsed.has("seed"))
  }

  @Test func lastOfRepeatedOptionsCounts() throws {
    let parsed = try parse("--seed", "1", "-s", "2", "--seed=3")
    #expect(parsed.text("seed") == "3")
    #expect(parsed.texts("seed") == ["1", "2", "3"])
  }

  @Test func absentOptionsAreNil() throws {
    let parsed = try parse()
    #expect(parsed.text("seed") == nil && parsed.texts("seed").isEmpty && !parsed.has("seed"))
    #expect(try parsed.integer("seed", in: 0...1) == nil)
    #expect(try parsed.number("rate", in: 0...1) == nil)
    #expect(parsed.words.isEmpty && !parsed.printedHelp)
  }

  @Test(arguments: [["--rate", "-0.5"], ["--rate=-0.5"], ["-r", "-0.5"], ["-r-0.5"]])
  func negativeNumbersAreArguments(_ arguments: [String]) throws {
    let parsed = try ParsedArguments(
      arguments, command: "majortom test", synopsis: "", about: "", options: options)
    #expect(try parsed.number("rate", in: -1...1) == -0.5)
  }

  @Test(arguments: [["--prompt", ""], ["--prompt="]])
  func argumentsMayBeEmpty(_ arguments: [String]) throws {
    let parsed = try ParsedArguments(
      arguments, command: "majortom test", synopsis: "", about: "", options: options)
    #expect(parsed.text("prompt") == "")
  }

  @Test func argumentsKeepAllTheirCharacters() throws {
    for text in ["Ground Control to Major Tom", "naïve 世界 \u{1F680}", "\n\t\"'\\$%s%n", "--seed"] {
      #expect(try parse("--prompt", text).text("prompt") == text)
      #expect(try parse("--prompt=" + text).text("prompt") == text)
    }
  }

  @Test func wordsAreLeftOverInTheirOrder() throws {
    let parsed = try parse("a", "--seed", "7", "b c", "-j", "", "d")
    #expect(parsed.words == ["a", "b c", "", "d"])
    #expect(parsed.text("seed") == "7" && parsed.has("json"))
  }

  @Test func wordsAfterTwoDashesAreNoOptions() throws {
    let parsed = try parse("a", "--json", "--", "--seed", "-x", "--", "--unknown")
    #expect(parsed.words == ["a", "--seed", "-x", "--", "--unknown"])
    #expect(parsed.has("json") && !parsed.has("seed"))
  }

  @Test func aDashAloneIsAWord() throws {
    #expect(try parse("-", "--json").words == ["-"])
  }

  @Test func helpListsTheOptions() async throws {
    let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
      let parsed = try parse("--help")
      #expect(parsed.printedHelp)
    }
    let help = String(decoding: result?.standardOutputContent ?? [], as: UTF8.self)
    #expect(help.contains("A command of the tests."))
    #expect(help.contains("majortom test") && help.contains("[WORD...]"))
    for option in ["-s, --seed=S", "Learning rate", "--prompt=TEXT", "-j, --json", "-h, --help"] {
      #expect(help.contains(option), "\(option)")
    }
  }
}

@Suite struct UsageErrorTests {
  @Test(arguments: [
    ("--temprature", "temperature"), ("--temperatur=1", "temperature"), ("--sed", "seed"),
    ("--jason", "json"), ("--Seed", "seed"), ("--verbos", "verbose"), ("--rat=3", "rate"),
  ])
  func unknownOptionNamesTheNearest(_ typed: String, _ nearest: String) {
    let found = sentence { try parse(typed) }
    #expect(found == "unknown option \(typed); did you mean --\(nearest)?")
  }

  @Test(arguments: ["--quantisation", "-z", "--xx"])
  func unlikeOptionsLeadToTheHelp(_ typed: String) {
    let found = sentence { try parse(typed) }
    #expect(found == "unknown option \(typed); see majortom test --help")
  }

  @Test(arguments: ["--seed", "-s"])
  func missingArgumentIsNamed(_ typed: String) {
    let found = sentence { try parse("--json", typed) }
    #expect(found == "\(typed) needs an argument; see majortom test --help")
  }

  @Test func flagsTakeNoArgument() {
    let found = sentence { try parse("--json=yes") }
    #expect(found?.hasPrefix("--json") == true && found?.contains("argument") == true)
  }

  @Test(arguments: ["0", "11", "-1", "1.5", "ten", "", " 5", "5x", "99999999999999999999"])
  func wholeNumberOutOfRangeIsNamed(_ text: String) throws {
    let parsed = try parse("--seed", text)
    #expect(
      sentence { try parsed.integer("seed", in: 1...10) }
        == "--seed \(text): expected a whole number from 1 to 10")
    #expect(
      sentence { try parsed.integer("seed", in: 100 ... .max) }
        == "--seed \(text): expected a whole number of at least 100")
  }

  @Test(arguments: ["-0.1", "1.1", "nan", "inf", "x", "", "0,5"])
  func numberOutOfRangeIsNamed(_ text: String) throws {
    let parsed = try parse("--rate", text)
    #expect(
      sentence { try parsed.number("rate", in: 0...1) }
        == "--rate \(text): expected a number from 0.0 to 1.0")
    #expect(
      sentence { try parsed.number("rate", in: 2 ... .greatestFiniteMagnitude) }
        == "--rate \(text): expected a number of at least 2.0")
  }

  @Test(arguments: [("1", 1), ("10", 10), ("+5", 5), ("007", 7)])
  func wholeNumbersInRangeAreRead(_ text: String, _ expected: Int) throws {
    #expect(try parse("--seed", text).integer("seed", in: 1...10) == expected)
  }

  @Test(arguments: [("0", 0), ("1", 1), ("0.25", 0.25), ("1e-3", 0.001), (".5", 0.5)])
  func numbersInRangeAreRead(_ text: String, _ expected: Double) throws {
    #expect(try parse("--rate", text).number("rate", in: 0...1) == expected)
  }
}

@Suite struct ChoiceTests {
  private enum Cell: String, CaseIterable { case elman, lstm, gru }

  @Test func choiceIsReadByItsName() throws {
    #expect(try parse("--cell", "gru").choice("cell", of: Cell.self) == .gru)
    #expect(try parse().choice("cell", of: Cell.self) == nil)
  }

  @Test func unknownChoiceListsTheKnown() throws {
    let parsed = try parse("--cell", "transformer")
    #expect(
      sentence { try parsed.choice("cell", of: Cell.self) }
        == "--cell transformer: expected one of elman, lstm, gru")
  }

  @Test func slipsOfTheFingersNameTheChoice() throws {
    let parsed = try parse("--cell", "ltsm")
    #expect(
      sentence { try parsed.choice("cell", of: Cell.self) }
        == "--cell ltsm: expected one of elman, lstm, gru; did you mean lstm?")
  }
}

@Suite struct ListedChoiceTests {
  @Test(arguments: [
    ("auto, always or never (default: auto)", ["auto", "always", "never"]),
    ("What a token is: byte, code-point or word", ["byte", "code-point", "word"]),
    (
      "As for: page (some kilobytes), shelf (more), none (the plain defaults)",
      ["page", "shelf", "none"]
    ),
    ("int8 or bf16", ["int8", "bf16"]), ("The file to write", []), ("Units: 3", []),
    ("c, h, or a gate such as i, f, g, o (default: c, else h)", []),
    ("Cut by 13a, or none: at spaces alone (default: 13a)", []),
  ])
  func namesAreReadOffTheHelp(_ help: String, _ names: [String]) {
    #expect(Option("x", "X", help).choices == names)
    #expect(Option(flag: "x", help).choices.isEmpty)
  }

  @Test(arguments: [
    (0...9, "from 0 to 9"), (1...Int.max, "of at least 1"), (-5...1 << 53, "of at least -5"),
    (-999_999_999_999_999_999...999_999_999_999_999_999, "of at most 18 digits"),
  ])
  func boundsThatNobodyCanReadAreNotTold(_ range: ClosedRange<Int>, _ text: String) {
    #expect(bounds(of: range) == text)
  }
}

@Suite struct NearestNameTests {
  @Test func nearestNameHasFewestEdits() {
    let known = ["temperature", "top-k", "top-p", "seed", "length"]
    #expect(nearestName(to: "temperture", among: known) == "temperature")
    #expect(nearestName(to: "topp", among: known) == "top-p")
    #expect(nearestName(to: "lenght", among: known) == "length")
    #expect(nearestName(to: "seed", among: known) == "seed")
  }

  @Test func namesFarAwayAreNoHelp() {
    #expect(nearestName(to: "quantise", among: ["seed", "length"]) == nil)
    #expect(nearestName(to: "", among: ["seed"]) == nil)
    #expect(nearestName(to: "seed", among: []) == nil)
  }
}
