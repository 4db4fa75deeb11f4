import CommandLineModels
import CommandLineOptions
import MajorTom

// Options of models that several commands have.

/// The option that names a model, which has a default unless it means something to leave it out.
func modelOption(isDefaulted: Bool = true, demo: String = "the demo's") -> Option {
  Option(
    "model", short: "m", "FILE",
    isDefaulted ? "The model (default: $MAJORTOM_MODEL, else \(demo))" : "A language model")
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
    try Corpus(contentsOf: words, encoding: try encoding())
  }

  /// The encoding that the option names, else the one that is found out.
  func encoding() throws -> TextEncoding {
    try text("encoding").map { try TextEncoding(named: $0) } ?? .detect
  }
}
