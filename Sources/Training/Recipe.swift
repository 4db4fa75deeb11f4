internal import Files

/// What a model chooses for data where nobody says otherwise: settings, each with its reason.
///
///     let recipe = try Translator.recipe(for: pairs)
///     var translator = try Translator(on: pairs, recipe: recipe)
///     try translator.train(on: pairs, for: .minutes(10))
///
/// A recipe is chosen by the data: how much there is, and of what kind. It names rows of the tables of
/// hyperparameters and nothing else, so that every choice can be overruled by its name; the model's
/// card keeps it, and so tells later what was chosen and why.
public struct Recipe: Codable, Sendable, Equatable {
  /// A setting and why it was chosen.
  public struct Choice: Codable, Sendable, Equatable {
    /// The name of the hyperparameter's row.
    public var name: String
    /// Its value.
    public var value: HyperparameterValue
    /// Why, in a few words.
    public var reason: String

    /// A choice.
    public init(_ name: String, _ value: HyperparameterValue, because reason: String) {
      self.name = name
      self.value = value
      self.reason = reason
    }
  }

  /// What people call it, such as `sentences`.
  public var name: String
  /// The data that it was chosen for, in a few words.
  public var data: String
  /// What it sets.
  public var choices: [Choice]

  /// A recipe.
  public init(_ name: String, for data: String, _ choices: [Choice] = []) {
    self.name = name
    self.data = data
    self.choices = choices
  }

  /// Adds a choice.
  public mutating func choose(
    _ name: String, _ value: HyperparameterValue, because reason: String
  ) {
    choices.append(Choice(name, value, because: reason))
  }

  /// Settings with those of the recipe that their table has.
  ///
  /// Throws `HyperparameterError` for a value out of its range, or values that do not go together.
  public func applied<Root: HyperparameterSet>(to root: Root) throws(HyperparameterError) -> Root {
    var root = root
    for choice in choices {
      guard let row = Root.hyperparameters.first(where: { $0.name == choice.name }) else {
        continue
      }
      try row.set(&root, to: choice.value)
    }
    try root.validate()
    return root
  }

  /// The recipe without the choices that settings do not follow.
  ///
  /// `value` gives a setting by its name, as text, and nil where it is left open.
  public func followed(by value: (String) -> String?) -> Recipe {
    var recipe = self
    recipe.choices.removeAll { value($0.name) != $0.value.text }
    return recipe
  }
}

/// A recipe that can be asked for by name.
public struct RecipeName: Sendable, Equatable {
  /// Such as `sentences`.
  public let name: String
  /// What data it is for, in a few words.
  public let help: String

  /// A name and what it is for.
  public init(_ name: String, _ help: String) {
    self.name = name
    self.help = help
  }
}

/// A recipe that there is not.
public struct RecipeError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What was asked for, and what there is.
  public let found: String, known: [String]

  /// This name was asked for, and these there are.
  public init(found: String, known: [String]) {
    self.found = found
    self.known = known
  }

  /// One sentence: what is wrong.
  public var description: String {
    "there is no recipe \(quoted(found)): expected one of \(known.joined(separator: ", "))"
  }
}

extension TrainableModel {
  /// None.
  public static var recipes: [RecipeName] { [] }
  /// None.
  public static var recipeSettings: Set<String> { [] }

  /// The plain defaults of the tables.
  public static func recipe(
    for data: TrainingData, named name: String?, given: [String: String]
  ) throws -> Recipe {
    Recipe("none", for: "any data")
  }

  /// The recipe for data.
  ///
  /// Throws what reading the data throws.
  public static func recipe(for data: TrainingData) throws -> Recipe {
    try recipe(for: data, named: nil, given: [:])
  }

  /// The options that a model made by a recipe is trained with unless told otherwise.
  var optionsOfRecipe: TrainingOptions {
    (try? core.card.recipe?.applied(to: Self.defaultOptions)) ?? Self.defaultOptions
  }
}
