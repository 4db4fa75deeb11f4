import ICUText
import Testing
import Training

@testable import Translator

@Suite struct RecipeTests {
  /// Sentences of as many words as are asked for, from a vocabulary that grows.
  private func sentences(_ count: Int, words: Int) -> ParallelCorpus {
    ParallelCorpus(
      (0..<count).map { number in
        let text = (0..<words).map { place in
          place % 2 == 0 ? "often\(place)" : letters(of: (number * 31 + place * 17) % (count + 200))
        }.joined(separator: " ")
        return SentencePair(source: text, target: text)
      })
  }

  /// A number as a word of letters.
  private func letters(of number: Int) -> String {
    String("\(number)".utf8.map { Character(Unicode.Scalar($0 - 48 + 97)) })
  }

  @Test func theKindOfPairsChoosesTheRecipe() throws {
    let numbers = try ParallelCorpus(
      numbers: 0...9999, from: .init(locale: "en"), to: .init(locale: "fr"), count: 1000)
    let dates = ParallelCorpus(
      (0..<900).map {
        SentencePair(
          source: "May \($0 % 28 + 1), \(1900 + $0 % 100)",
          target: "\(1900 + $0 % 100)-05-\($0 % 28 + 1)")
      })
    #expect(try Translator.recipe(for: numbers).name == "spelling")
    #expect(try Translator.recipe(for: dates).name == "spelling")
    #expect(try Translator.recipe(for: sentences(1500, words: 6)).name == "phrases")
    let recipe = try Translator.recipe(for: sentences(9000, words: 6))
    #expect(recipe.name == "sentences")
    #expect(recipe.data == "9,000 pairs of 6.0 and 6.0 words")
    #expect(recipe.choices.contains { $0.name == "unit" && $0.value == .text("word") })
    // All that a recipe names is a setting, and they go together.
    for choice in recipe.choices {
      #expect(Translator.recipeSettings.contains(choice.name), "\(choice.name)")
      #expect(!choice.reason.isEmpty)
    }
    #expect(throws: RecipeError.self) {
      try Translator.recipe(for: numbers, named: "epics", given: [:])
    }
    for name in Translator.recipes.map(\.name) {
      let asked = try Translator.recipe(for: numbers, named: name, given: [:])
      #expect(asked.name == name)
      _ = try asked.applied(to: Translator.Configuration())
    }
  }

  /// An hour asks for another network than ten minutes do; what is given stays.
  @Test func anHourAsksForALargerNetwork() throws {
    let many = sentences(9000, words: 6)
    func hidden(_ given: [String: String]) throws -> Int {
      let recipe = try Translator.recipe(for: many, named: nil, given: given)
      return try recipe.applied(to: Translator.Configuration()).hiddenSize
    }
    #expect(try hidden([:]) == 256 && hidden(["minutes": "10"]) == 256)
    #expect(try hidden(["minutes": "60"]) == 512)
    let few = try Translator.recipe(
      for: sentences(1500, words: 6), named: nil, given: ["minutes": "60"])
    #expect(few.choices.contains { $0.name == "hidden" && $0.value == .integer(256) })
  }

  @Test func cutoffsGoWithTheVocabulary() throws {
    let many = sentences(9000, words: 6)
    func cutoffs(_ given: [String: String]) throws -> HyperparameterValue? {
      try Translator.recipe(for: many, named: nil, given: given).choices
        .first { $0.name == "cutoffs" }?.value
    }
    let chosen = try #require(try cutoffs([:]))
    var tokens = Translator.TokenOptions()
    tokens.unit = .word
    let target = try tokens.vocabularies(of: many).target
    guard case .integers(let numbers) = chosen else { throw RecipeError(found: "", known: []) }
    #expect(try #require(numbers.last) < target.count)
    #expect(try cutoffs(["max-size": "1000"]) == nil)
    #expect(try cutoffs(["unit": "grapheme"]) == nil)
    #expect(try cutoffs(["tied": ""]) == nil)
    #expect(try cutoffs(["vocabulary": "few.json"]) == nil)
    // What is given as chosen is told as chosen, so that a run's configuration makes the same run.
    #expect(try cutoffs(["cutoffs": "100", "unit": "word"]) == chosen)
    #expect(try cutoffs(["min-count": "10000"]) == nil)
  }

  @Test func aModelMadeByARecipeRemembersIt() throws {
    let pairs = try ParallelCorpus(
      numbers: 0...99, from: .init(locale: "digits"), to: .init(locale: "en"), count: 60)
    var recipe = try Translator.recipe(for: pairs)
    recipe.choices.removeAll { ["hidden", "embedding"].contains($0.name) }
    recipe.choose("hidden", .integer(8), because: "a test")
    recipe.choose("embedding", .integer(8), because: "a test")
    recipe.choose("batch", .integer(7), because: "a test")
    var translator = try Translator(on: pairs, recipe: recipe)
    #expect(translator.configuration.attention == .additive)
    #expect(translator.source.segmentation.unit == .grapheme)
    try translator.train(on: pairs, for: .updates(3))
    // Training follows it, too, where no options are given.
    #expect(translator.card.options?.batch == 7)
    let lines = translator.describe()
    #expect(lines.contains { $0.label == "recipe" && $0.text == "spelling, for \(recipe.data)" })
    #expect(lines.contains { $0.label == "  hidden 8" && $0.text == "a test" })
    // What was not followed is not told.
    let followed = recipe.followed { $0 == "hidden" ? "8" : nil }
    #expect(followed.choices.map(\.name) == ["hidden"])
  }

  @Test func translationsMayBeAsLongAsThoseOfTraining() throws {
    let pairs = ParallelCorpus(
      (0..<40).map { SentencePair(source: "\($0)", target: String(repeating: "ab ", count: 30)) })
    var configuration = Translator.Configuration()
    (configuration.hiddenSize, configuration.embeddingSize) = (8, 8)
    var translator = try Translator(on: pairs, configuration)
    // 20 tokens, and 3 for each of 3 that are read: the end is one.
    #expect(try translator.translate(["11"])[0][0].written.count == 29)
    var options = Translator.defaultOptions
    options.validation = 0
    try translator.train(on: pairs, for: .updates(2), options: options)
    #expect(try translator.translate(["11"])[0][0].written.count == 91)
    var search = Translator.Search()
    (search.maxLength, search.maxLengthPerToken, search.allowsLongest) = (5, 0, false)
    #expect(try translator.translate(["11"], search)[0][0].isCutOff)
  }
}
