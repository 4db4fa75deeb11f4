import ICUText
import LanguageModel
import Testing
import Training

@Suite struct RecipeTests {
  @Test(arguments: [
    (10, "page"), (3_000, "page"), (60_000, "booklet"), (600_000, "book"), (2_500_000, "shelf"),
  ])
  func theLengthOfATextChoosesTheRecipe(characters: Int, name: String) throws {
    // Characters of two bytes count once.
    let text = Corpus(text: String(repeating: "é", count: characters))
    let recipe = try LanguageModel.recipe(for: text)
    #expect(recipe.name == name)
    for choice in recipe.choices {
      #expect(LanguageModel.recipeSettings.contains(choice.name), "\(choice.name)")
    }
    _ = try recipe.applied(to: LanguageModel.Configuration())
    let options = try recipe.applied(to: LanguageModel.defaultOptions)
    // However short, there are enough updates.
    guard case .epochs(let epochs) = options.budget else { throw RecipeError(found: "", known: []) }
    let perEpoch = max(1, characters / ((options.batch ?? 1) * options.steps))
    #expect(epochs * Double(perEpoch) >= 1_000)
    let inMinutes = try LanguageModel.recipe(for: text, named: nil, given: ["minutes": "1"])
    #expect(!inMinutes.choices.contains { $0.name == "epochs" })
    #expect(throws: RecipeError.self) {
      try LanguageModel.recipe(for: text, named: "scroll", given: [:])
    }
  }
}
