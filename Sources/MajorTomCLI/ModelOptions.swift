import CommandLineModels
import CommandLineOptions
import Glibc
import MajorTom

// Options of models that several commands have.

/// The option that names a model, which has a default unless it means something to leave it out.
func modelOption(isDefaulted: Bool = true) -> Option {
  Option(
    "model", short: "m", "FILE",
    isDefaulted
      ? "The model (default: the first that fits of $MAJORTOM_MODEL, else the demo's or the installed one)"
      : "A language model")
}
let encodingOption = Option("encoding", "NAME", "Encoding of the text (default: detected)")
/// The option that chooses how products of matrices are made in inference.
let precisionOption = Option(
  "precision", "P", "Precision of products: f32, bf16 or int8 (default: that of the file)")

extension ParsedArguments {
  /// A model, with products in the precision asked for.
  func model<Model: TrainableModel>(_ type: Model.Type, _ path: String) throws -> Model {
    let precision = try choice("precision", of: ProductPrecision.self)
    var model = try Model(contentsOf: path)
    if let precision { model.use(precision) }
    return model
  }

  /// The cell asked for.
  func cell() throws(UsageError) -> CellKind? {
    guard let typed = text("cell") else { return nil }
    do throws(CellError) {
      return try CellKind(typed)
    } catch {
      switch error {
      case .unknown, .text: break
      default: throw UsageError("--cell \(quoted(typed)): \(error)")
      }
      let known = CellKind.builtIn.map(\.name)
      let nearest = nearestName(to: typed, among: known).map { "; did you mean \($0)?" } ?? ""
      throw UsageError(
        "--cell \(quoted(typed)): expected one of \(known.joined(separator: ", "))\(nearest)")
    }
  }

  /// The files that the words name, read as the encoding option says.
  func corpus() throws -> Corpus {
    try Corpus(contentsOf: words, encoding: try encoding()).telling(readingBar(words).report)
  }

  /// A bar for what reads files, unless nothing is to be said.
  func readingBar(_ paths: [String]) -> ProgressBar {
    let name = paths.first.map { $0.split(separator: "/").last.map(String.init) ?? $0 } ?? ""
    return ProgressBar(
      "reading \(paths.count == 1 ? name : counted(paths.count, "file"))",
      isQuiet: has("quiet") || has("json"))
  }

  /// The encoding that the option names, else the one that is found out.
  func encoding() throws -> TextEncoding {
    try text("encoding").map { try TextEncoding(named: $0) } ?? .detect
  }
}

// MARK: The model that is meant

/// Models that are used where none is named: their kind, and their names in `models` and among those that
/// are installed beside the tool.
private let defaultModels = [
  (kind: LanguageModel.kind, names: ["demo", "ships-log"]),
  (kind: Tagger.kind, names: ["names"]),
  (kind: Translator.kind, names: ["translator", "numbers"]),
]

/// The model that the user means: `--model`, else of `$MAJORTOM_MODEL`, a list of files and runs with
/// colons between, the first of a kind; else the demo's, here or up from the tool's own place; else the one
/// installed beside the tool.
///
/// Without a kind it is the first of the list, or a language model. Throws `UsageError` where there is none.
func modelPath(
  _ arguments: ParsedArguments, of kind: ModelKind? = LanguageModel.kind
) throws -> String {
  if let path = arguments.text("model") { return try modelFile(path) }
  if let list = environment("MAJORTOM_MODEL") { return try model(in: list, of: kind) }
  let wanted = kind ?? LanguageModel.kind
  for name in defaultModels.filter({ $0.kind == wanted }).flatMap(\.names) {
    // A run, or a file alone.
    let names = ["\(name)/\(RunFiles.modelName)", "\(name).safetensors"]
    let paths = placesOfModels.flatMap { place in names.map { place + $0 } }
    if let path = paths.first(where: TextFiles.isFile) { return path }
  }
  throw UsageError(
    "no model: name one with -m FILE, or train one: majortom train lm TEXT -o FILE, majortom train "
      + "tagger DATA -o FILE or majortom train translator PAIRS -o FILE, or make demo")
}

/// The first model of a kind in a list, or of any kind.
///
/// Throws what reading one throws, and `UsageError` where there is none of the kind.
private func model(in list: String, of kind: ModelKind?) throws -> String {
  // A path may have a colon in it.
  let typed =
    FileWriter.exists(list)
    ? [list] : list.split(separator: ":", omittingEmptySubsequences: true).map(String.init)
  var others: [String] = []
  for path in typed {
    let path = try modelFile(path)
    guard let kind, typed.count > 1 else { return path }
    let found = try modelKind(of: path).kind
    if found == kind { return path }
    others.append("\(path) is a \(found.title)")
  }
  throw UsageError(
    "no \(kind?.title ?? "model") in MAJORTOM_MODEL"
      + (others.isEmpty ? ", which names none" : ": \(others.joined(separator: ", "))")
      + "; name one with -m FILE")
}

/// Folders in which models are looked for, in this order, each with a slash behind.
private var placesOfModels: [String] {
  // Those that a package carries are made in a folder of their own.
  var places = ["models/", "models/share/"]
  var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
  let length = readlink("/proc/self/exe", &buffer, buffer.count - 1)
  let path = buffer.prefix(max(0, length)).map { UInt8(bitPattern: $0) }
  var folder = String(decoding: path, as: UTF8.self)
  var installed: [String] = []
  while let slash = folder.lastIndex(of: "/") {
    folder = String(folder[..<slash])
    places += ["\(folder)/models/", "\(folder)/models/share/"]
    if installed.isEmpty { installed = ["\(folder)/../share/majortom/models/"] }
  }
  return places + installed
}
