/// Where a model comes from: provenance, and nothing that changes what the model does.
///
/// Nothing of the clock stands in it, so that equal runs make equal files.
public struct ModelCard: Codable, Sendable, Equatable {
  /// The names of the data's files, without folders.
  public var data: [String] = []
  /// What was said of how the data are laid out, such as `column`; nil where nothing was.
  public var dataLayout: [String: String]?
  /// What tells the data from others; nil in files of earlier versions.
  public var fingerprint: String?
  /// What tokens are called where they are counted, such as `char`.
  public var unit = "token"
  /// The sizes of the training data and of the validation data.
  public var training = DataSize(), validation = DataSize()
  /// How it was trained; nil for a model that was not.
  public var options: TrainingOptions?
  /// The recipe that chose settings, as far as they follow it; nil where none did.
  public var recipe: Recipe?
  /// The updates that made it, and the update of the best validation, whose weights these are.
  public var updates = 0, bestUpdate = 0
  /// The best validation.
  public var best: Validation?

  /// The card of a model that was never trained.
  public init() {}
}

/// A line of a model's description: what, and its value in words.
public struct ModelFact: Sendable, Equatable {
  /// Such as `tokens`.
  public let label: String
  /// Such as `96, by grapheme`.
  public let text: String

  /// A line.
  public init(_ label: String, _ text: String) {
    self.label = label
    self.text = text
  }
}
