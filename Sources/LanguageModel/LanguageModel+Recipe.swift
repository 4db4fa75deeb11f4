internal import ICUText
public import Training

// The recipes of a language model: which settings suit which texts. `Benchmarks/recipes/lm_table.sh` makes
// the table that they were chosen by.

extension LanguageModel {
  /// By the length of the text.
  public static let recipes = [
    RecipeName("page", "some kilobytes"), RecipeName("booklet", "up to half a million characters"),
    RecipeName("book", "up to two million"), RecipeName("shelf", "more"),
  ]

  /// The settings that recipes choose.
  public static let recipeSettings: Set = ["dropout", "batch", "steps", "rate", "epochs"]

  /// The settings for a text, by its length.
  ///
  /// A short text is soon known by heart: much is dropped, and it is cut into few lanes, so that there are
  /// enough updates in an epoch. Throws `RecipeError` for a name that there is not, and what reading the
  /// text throws.
  public static func recipe(
    for data: any TokenSource, named name: String?, given: [String: String]
  ) throws -> Recipe {
    let characters = try characterCount(of: data)
    let kind =
      name
      ?? (characters < 50_000
        ? "page" : characters < 500_000 ? "booklet" : characters < 2_000_000 ? "book" : "shelf")
    var recipe = Recipe(kind, for: counted(characters, "character"))
    let settings: (dropout: Double, batch: Int, steps: Int)
    switch kind {
    case "page": settings = (0.5, 8, 64)
    case "booklet": settings = (0.5, 16, 64)
    case "book": settings = (0.2, 32, 128)
    case "shelf": settings = (0.1, 32, 128)
    default: throw RecipeError(found: kind, known: recipes.map(\.name))
    }
    recipe.choose(
      "dropout", .number(settings.dropout),
      because: settings.dropout < 0.3 ? "not soon known by heart" : "soon known by heart")
    let lanes =
      settings.dropout < 0.3
      ? "enough text for many lanes" : "a short text gives enough updates, too"
    recipe.choose("batch", .integer(settings.batch), because: lanes)
    recipe.choose("steps", .integer(settings.steps), because: lanes)
    if settings.steps < 128 {
      recipe.choose(
        "rate", .number(0.005), because: "much is dropped, and there is little time to learn")
    }
    // So many updates a text needs at least, however short it is.
    let perEpoch = max(1, characters / (settings.batch * settings.steps))
    let epochs = (leastUpdates + perEpoch - 1) / perEpoch
    if epochs > 10, given["minutes"] == nil, given["updates"] == nil {
      recipe.choose(
        "epochs", .number(Double(epochs)), because: "an epoch has \(counted(perEpoch, "update"))")
    }
    return recipe
  }

  /// The updates that a short text is trained for at least, unless validation ends it before.
  private static let leastUpdates = 2000

  /// The code points of a text, told from its first piece; or the tokens of one that is encoded.
  private static func characterCount(of data: any TokenSource) throws -> Int {
    guard let corpus = data as? Corpus else {
      return (data as? EncodedCorpus)?.count ?? 0
    }
    struct Enough: Error {}
    var bytesPerCharacter = 1.0
    do {
      try corpus.forEachPiece { piece in
        let count = piece.withUTF8 { bytes in bytes.count { $0 & 0xC0 != 0x80 } }
        bytesPerCharacter = Double(piece.byteCount) / Double(max(1, count))
        throw Enough()
      }
    } catch is Enough {}
    return Int(Double(corpus.byteCount) / bytesPerCharacter)
  }
}
