public import ICUText
public import Training

// The recipes of a translator: which settings suit which pairs. `Benchmarks/recipes/translator_table.sh`
// makes the table that they were chosen by.

extension Translator {
  /// Spelling, phrases and sentences.
  public static let recipes = [
    RecipeName("spelling", "numbers, dates, names"),
    RecipeName("phrases", "some thousand short pairs"),
    RecipeName("sentences", "pairs of sentences"),
  ]

  /// The settings that recipes choose.
  public static let recipeSettings: Set = [
    "unit", "attention", "cutoffs", "hidden", "embedding", "dropout", "dropout-inputs",
    "label-smoothing", "word-dropout", "rate", "batch", "average",
  ]

  /// The settings for pairs, by their number, their words and how they are written.
  ///
  /// Throws `RecipeError` for a name that there is not, `TextError` where ICU cannot cut a sentence.
  public static func recipe(
    for data: ParallelCorpus, named name: String?, given: [String: String]
  ) throws -> Recipe {
    let traits = try PairTraits(data)
    let kind = name ?? traits.kind
    var recipe = Recipe(kind, for: traits.description)
    switch kind {
    case "spelling": chooseForSpelling(&recipe)
    case "phrases", "sentences":
      chooseForSentences(&recipe, isFew: kind == "phrases")
      if kind == "sentences", isLong(given) { chooseForHours(&recipe) }
      try chooseCutoffs(&recipe, data, given)
    default: throw RecipeError(found: kind, known: recipes.map(\.name))
    }
    return recipe
  }

  /// Characters, and a small network: there are few of them, and what is to be learnt is a rule.
  private static func chooseForSpelling(_ recipe: inout Recipe) {
    recipe.choose("unit", .text("grapheme"), because: "short pairs that are spelt by a rule")
    recipe.choose("hidden", .integer(192), because: "few characters")
    recipe.choose("embedding", .integer(64), because: "few characters")
    recipe.choose("attention", .text("additive"), because: "finds the source soonest")
    recipe.choose("dropout", .number(0.2), because: "there is one right answer")
    recipe.choose("label-smoothing", .number(0), because: "there is one right answer")
  }

  /// Words, and a network that has room for them.
  private static func chooseForSentences(_ recipe: inout Recipe, isFew: Bool) {
    recipe.choose("unit", .text("word"), because: "sentences of words that occur again and again")
    recipe.choose("attention", .text("additive"), because: "finds the source soonest")
    recipe.choose("embedding", .integer(256), because: "thousands of words")
    recipe.choose("hidden", .integer(256), because: "sentences")
    recipe.choose(
      "dropout", .number(isFew ? 0.4 : 0.3), because: isFew ? "few pairs" : "words are rare")
  }

  /// Whether there is time for a network that learns slowly.
  private static func isLong(_ given: [String: String]) -> Bool {
    (given["minutes"].flatMap { Double($0) } ?? 0) >= 45
  }

  /// What is right for minutes has learnt its pairs by heart after half an hour.
  private static func chooseForHours(_ recipe: inout Recipe) {
    recipe.choices.removeAll { ["hidden", "dropout"].contains($0.name) }
    recipe.choose("hidden", .integer(512), because: "time for a large network")
    recipe.choose("dropout", .number(0.5), because: "many passes over the pairs")
    recipe.choose("word-dropout", .number(0.05), because: "many passes over the pairs")
    recipe.choose("average", .integer(5), because: "better than the weights of any one moment")
  }

  /// Two steps to choose a word where there are many.
  private static func chooseCutoffs(
    _ recipe: inout Recipe, _ data: ParallelCorpus, _ given: [String: String]
  ) throws {
    guard (given["unit"] ?? "word") == "word", given["tied"] == nil, given["vocabulary"] == nil
    else { return }
    func number(_ name: String) -> Int? { given[name].flatMap { Int($0) } }
    let words = try data.vocabulary(
      of: \.target, TokenOptions.segmentation(.word, locale: given["target-locale"] ?? "en"),
      minimumCount: number("min-count") ?? TokenOptions().minimumCount,
      maximumSize: number("target-max-size") ?? number("max-size")
    ).count
    // A group of rare words must be large to be worth a step of its own.
    guard words >= 2 * frequentWords else { return }
    recipe.choose(
      "cutoffs", .integers([frequentWords]), because: "\(grouped(words)) words to choose among")
  }

  /// The words that are chosen in one step.
  private static let frequentWords = 2000
}

/// What a recipe looks at in pairs.
struct PairTraits: CustomStringConvertible {
  /// The number of pairs.
  let pairs: Int
  /// The mean words of a side.
  let sourceWords, targetWords: Double
  /// Of the words of half of the targets, how many the other half does not have.
  let newWords: Double

  /// How many pairs are looked at.
  private static let sampleSize = 2000

  init(_ corpus: ParallelCorpus) throws(TextError) {
    let all = corpus.pairs
    pairs = all.count
    let segmenter = try Segmenter(Segmentation(unit: .word))
    func words(_ text: String) throws(TextError) -> [String] {
      try segmenter.spans(of: text).filter(\.isWordLike).map(\.text)
    }
    var (sample, sourceCount, targetCount) = (0, 0, 0)
    var known: Set<String> = []
    var later: [String] = []
    for place in stride(from: 0, to: all.count, by: max(1, all.count / Self.sampleSize)) {
      let target = try words(all[place].target)
      sourceCount += try words(all[place].source).count
      targetCount += target.count
      // By no rule that the data might follow, too.
      let isFirst = (UInt64(sample) &* 0x9E37_79B9_7F4A_7C15) >> 63 == 0
      if isFirst { known.formUnion(target) } else { later += target }
      sample += 1
    }
    sourceWords = Double(sourceCount) / Double(max(1, sample))
    targetWords = Double(targetCount) / Double(max(1, sample))
    newWords = Double(later.count { !known.contains($0) }) / Double(max(1, later.count))
  }

  /// Which recipe suits them.
  var kind: String {
    // Names are a word or two, and numbers and dates are made of a few words that all occur.
    if min(sourceWords, targetWords) < 2.5 || newWords < 0.005 { return "spelling" }
    return pairs < 4000 ? "phrases" : "sentences"
  }

  /// Their number and lengths.
  var description: String {
    "\(counted(pairs, "pair")) of \(fixed(sourceWords, 1)) and \(fixed(targetWords, 1)) words"
  }
}
