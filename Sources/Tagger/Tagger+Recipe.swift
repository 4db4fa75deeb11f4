public import Training

extension Tagger {
  /// One for all: the table of `Benchmarks/recipes/tagger_table.sh` shows that its other settings matter
  /// little from 500 to 12,000 sentences.
  public static let recipes = [RecipeName("sentences", "any tagged sentences")]

  /// The settings that recipes choose.
  public static let recipeSettings: Set = ["batch"]

  /// The settings for sentences, by their number.
  ///
  /// Throws `RecipeError` for a name that there is not.
  public static func recipe(
    for data: TaggedCorpus, named name: String?, given: [String: String]
  ) throws -> Recipe {
    guard name == nil || name == recipes[0].name else {
      throw RecipeError(found: name ?? "", known: recipes.map(\.name))
    }
    var recipe = Recipe(recipes[0].name, for: counted(data.sentences.count, "sentence"))
    recipe.choose(
      "batch", .integer(batch(for: data)), because: "a small corpus gives enough updates, too")
    return recipe
  }

  /// The sentences of an update: 8 to 32, so that a small corpus gives enough updates.
  static func batch(for data: TaggedCorpus) -> Int {
    max(8, min(32, data.sentences.count / 64))
  }
}
