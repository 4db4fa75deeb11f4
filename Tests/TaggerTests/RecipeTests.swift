import Testing
import Training

@testable import Tagger

@Suite struct RecipeTests {
  @Test(arguments: [(40, 8), (1_280, 20), (10_000, 32)])
  func theNumberOfSentencesChoosesTheBatch(count: Int, batch: Int) throws {
    let corpus = TaggedCorpus(
      [TaggedSentence](
        repeating: TaggedSentence(words: ["Tom"], tags: ["S-PER"]), count: count))
    let recipe = try Tagger.recipe(for: corpus)
    #expect(try recipe.applied(to: Tagger.defaultOptions).batch == batch)
    #expect(recipe.choices.allSatisfy { Tagger.recipeSettings.contains($0.name) })
    // What is chosen where nobody asks for a recipe is the same.
    var options = Tagger.defaultOptions
    Tagger.resolve(&options, for: corpus)
    #expect(options.batch == batch)
    #expect(throws: RecipeError.self) {
      try Tagger.recipe(for: corpus, named: "verse", given: [:])
    }
  }
}
