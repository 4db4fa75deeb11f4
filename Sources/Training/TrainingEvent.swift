public import Parameters

/// What the training loop tells while it runs.
public enum TrainingEvent: Sendable {
  /// An update was made.
  case update(TrainingProgress)
  /// The validation data were evaluated; `isBest` if no earlier figure was as low.
  case validation(TrainingProgress, loss: Double, isBest: Bool)
  /// The model or a checkpoint was written.
  case saved(path: String)
  /// The model or a checkpoint could not be written; training goes on and tries again later.
  case notSaved(ModelFileError)
}

/// Where training stands.
public struct TrainingProgress: Sendable {
  /// The updates made, over all resumed runs.
  public var update: Int
  /// The updates in all: an estimate where the budget is time.
  public var updates: Int
  /// The times through the training data.
  public var epoch: Double
  /// The loss of the last batch, in nats a symbol.
  public var loss: Double
  /// The norm of the last gradient, before clipping.
  public var gradientNorm: Double
  /// The learning rate.
  public var rate: Double
  /// The training symbols a second of this run, validation and saving included.
  public var symbolsPerSecond: Double
  /// The seconds trained, over all resumed runs, and those left.
  public var elapsed, remaining: Double
}

/// How training ended.
public enum TrainingEnd: String, Codable, Sendable {
  /// The budget is used up.
  case budget = "budget used up"
  /// Validation did not get better for as long as the plan's patience.
  case patience = "validation stopped improving"
  /// It was told to stop.
  case interrupted = "interrupted"
}

/// What goes wrong in training, as a sentence each.
public enum TrainingError: Error, Sendable, CustomStringConvertible {
  /// The loss or the gradient of an update was not a number.
  case diverged(update: Int, weight: String?)
  /// A checkpoint does not belong to this model, data or plan.
  case checkpoint(path: String, found: String)

  /// The sentence.
  public var description: String {
    switch self {
    case .diverged(let update, let weight):
      "the loss became NaN or infinite at update \(update)"
        + (weight.map { " (first in the gradient of \($0))" } ?? "")
        + "; the best model so far is kept: try a lower --rate or --clip"
    case .checkpoint(let path, let found):
      "\(path): cannot be resumed: \(found)"
    }
  }
}
