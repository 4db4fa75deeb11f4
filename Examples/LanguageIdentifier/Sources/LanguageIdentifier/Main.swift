import CommandLineModels
import MajorTom

/// Lines of text, and the language of each.
struct LabelledLines {
  typealias Line = (text: String, language: String)
  var lines: [Line] = []

  /// The lines of files in stretches of one to nine words, as people ask about short texts, too.
  ///
  /// A file's name says the language: `udhr_eng.txt` is of `eng`.
  init(contentsOf paths: [String]) throws {
    for path in paths {
      let name = path.split(separator: "/").last.map(String.init) ?? path
      let language = name.prefix { $0 != "." }.split(separator: "_", maxSplits: 1).last ?? ""
      try TextLines.forEach(in: path) { line, _ in
        var words = line.split(separator: " ")[...]
        while !words.isEmpty {
          let count = lines.count % 9 + 1
          lines.append((words.prefix(count).joined(separator: " "), String(language)))
          words = words.dropFirst(count)
        }
        return true
      }
    }
  }

  /// Numbers that ICU spells out in languages, one to three a line.
  init(spelledIn languages: [String], lines count: Int) throws {
    for language in languages {
      let spelled = try SpelledNumbers(locale: language)
      for line in 0..<count {
        let most = [20, 100, 1000, 100_000][line % 4]
        let numbers = (0...line % 3).map { (line * 7919 + $0 * 104_729) % most }
        lines.append((try numbers.map(spelled.text).joined(separator: ", "), language))
      }
    }
  }
}

extension LanguageIdentifier {
  /// The languages of a line with their probabilities, the likeliest first; nothing for an empty line.
  func languages(of line: String) throws -> [(language: String, probability: Float)] {
    let ids = try core.parts.vocabulary.encode(line).map(Int32.init)
    guard !ids.isEmpty else { return [] }
    return core.workspaces.withWorkspace { workspace in
      let scores = network.forward([ids], on: workspace).scores
      Float.softmax(scores, into: scores)
      return core.parts.languages.enumerated().map { ($1, scores[0, $0]) }
        .sorted { $0.probability > $1.probability }
    }
  }
}

extension LanguageIdentifier: CommandLineModel {
  static let trainTexts = (
    word: "identifier", summary: "learn to tell languages apart",
    synopsis: "FILE... -o RUN [OPTION...]",
    about:
      "Learns from files of lines, one a language; without files, from numbers that ICU spells."
  )

  static func checkUsage(_ arguments: ParsedArguments) throws {}

  static func read(
    _ arguments: ParsedArguments
  ) throws -> (data: LabelledLines, validation: LabelledLines?, findings: [String]) {
    let spoken = ["cs", "de", "el", "en", "es", "fi", "fr", "hu", "it", "nl", "pl", "sv", "tr"]
    let data =
      arguments.words.isEmpty
      ? try LabelledLines(spelledIn: spoken, lines: 240)
      : try LabelledLines(contentsOf: arguments.words)
    return (data, nil, [])
  }

  static func fresh(
    _ configuration: Configuration, _ tokens: NoTokens, on data: LabelledLines,
    _ options: TrainingOptions, _ arguments: ParsedArguments
  ) throws -> LanguageIdentifier {
    try LanguageIdentifier(on: data, configuration, seed: options.seed)
  }
}

@main
enum Identify {
  static let which = Command(
    "which", summary: "say in which language lines are written",
    synopsis: "-m RUN TEXT...", about: "Says the likeliest languages of each text.",
    options: [Option("model", short: "m", "RUN", "A run or a model file (needed)")]
  ) { arguments in
    guard let path = arguments.text("model"), !arguments.words.isEmpty else {
      throw UsageError("a model and a text are needed: which -m RUN TEXT...")
    }
    let model = try LanguageIdentifier(contentsOf: modelFile(path))
    for text in arguments.words {
      let best = try model.languages(of: text).prefix(3)
      let found = best.map { "\($0.language) \(fixed(100 * Double($0.probability), 1)) %" }
      writeOutput("\(found.joined(separator: ", "))  \(text)\n")
    }
  }

  static func main() {
    CommandLineTool(
      about: "identify: tells languages apart", version: "1",
      commands: [
        LanguageIdentifier.trainCommand, resumeCommand(of: [LanguageIdentifier.self]), which,
      ]
    ).main()
  }
}
