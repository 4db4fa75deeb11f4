import CommandLineModels
import CommandLineOptions
import MajorTom
import Terminal

extension GenerateRequest {
  /// Writes a text in turns: what is typed becomes part of it, and the model goes on from there.
  func interact() throws {
    let editor = LineEditor(history: LineEditor.usualHistory(of: "majortom"))
    if inputIsTerminal { writeError(Self.greeting) }
    var turn = try Turn(self)
    if !prompt.isEmpty { try turn.write(after: prompt) }
    while let line = editor.line(prompt: "> ") {
      do {
        guard try turn.take(line) else { break }
      } catch {
        // One wrong word does not end a text.
        complain("\(error)")
      }
    }
    if inputIsTerminal { writeError("\n") }
    if let file = arguments.text("save-state") { try keep(turn.text, at: file) }
  }

  private static let greeting = """
    Type what the text goes on with; an empty line lets the model go on. \\again writes the last part in \
    another way, \\undo takes it back, \\set NAME VALUE changes an option, \\save FILE keeps the state, \\quit ends.

    """
}

/// A text that someone and a model write in turns.
private struct Turn {
  private let request: GenerateRequest
  private var options: GenerationOptions
  private var arguments: ParsedArguments
  private var seed: UInt64
  /// The text so far.
  private(set) var text: Generation
  // What stood before each turn, and what was typed then.
  private var past: [(text: Generation, typed: String)] = []

  init(_ request: GenerateRequest) throws {
    self.request = request
    arguments = request.arguments
    options = request.options
    seed = request.seed
    // Nothing is written yet: a text of no length, whose state turns go on from.
    var nothing = request
    (nothing.options.length, nothing.prompt) = (0, "")
    text = try nothing.begin(seed: request.seed)
  }

  /// Does what a line says; whether there is to be another one.
  mutating func take(_ line: String) throws -> Bool {
    guard line.hasPrefix("\\") else {
      try write(after: line)
      return true
    }
    let words = line.dropFirst().split(separator: " ", maxSplits: 2).map(String.init)
    switch (words.first, words.count) {
    case ("quit", 1), ("q", 1): return false
    case ("again", 1): try again()
    case ("undo", 1): try undo()
    case ("set", 3): try set(words[1], words[2])
    case ("save", 2): try request.keep(text, at: words[1])
    default:
      throw UsageError(
        "\(quoted(line)): expected \\again, \\undo, \\set NAME VALUE, \\save FILE or \\quit, or a text"
      )
    }
    return true
  }

  /// A turn: what was typed, and what the model writes then.
  mutating func write(after typed: String) throws {
    past.append((text, typed))
    do { try goOn(after: typed) } catch {
      past.removeLast()
      throw error
    }
  }

  private mutating func goOn(after typed: String) throws {
    let state = try TextState(text)
    var next = try Generation(request.model, from: state, after: typed, options, seed: seed)
    next.keepsEnd = true
    request.tellSeed(seed)
    writeOutput(request.arguments.has("no-echo") ? "" : typed)
    while let piece = next.next() { writeOutput(piece) }
    writeOutput("\n")
    if let failure = next.failure { throw failure }
    text = next
    seed &+= 1
  }

  private mutating func again() throws {
    guard let last = past.last else { throw UsageError("nothing is written yet") }
    text = last.text
    try goOn(after: last.typed)
  }

  private mutating func undo() throws {
    guard let last = past.popLast() else { throw UsageError("there is nothing to take back") }
    text = last.text
  }

  private mutating func set(_ name: String, _ value: String) throws {
    let names = samplingTable.map(\.name) + ["length", "seed"]
    guard names.contains(name) else {
      let nearest = nearestName(to: name, among: names).map { "; did you mean \($0)?" } ?? ""
      throw UsageError(
        "\\set \(quoted(name)): expected one of \(names.joined(separator: ", "))\(nearest)")
    }
    let changed = arguments.without([name]).adding(name, value)
    var new = try samplingOptions(changed, request.model)
    new.length = try changed.integer("length", in: 0...Int.max) ?? options.length
    (new.stops, new.avoiding) = (options.stops, options.avoiding)
    if name == "seed", let typed = try changed.integer("seed", in: 0...Int.max) {
      seed = UInt64(typed)
    }
    (arguments, options) = (changed, new)
  }
}
