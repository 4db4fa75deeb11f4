public import Files

/// What a training run tells while it runs; printed, each is one readable line.
public enum TrainingEvent: Sendable, CustomStringConvertible {
  /// Training begins: what is trained on what.
  case begun(TrainingSummary)
  /// Something is learnt before the network is, such as how a tagger cuts text: what, and where that stands.
  case preparing(String, TrainingProgress)
  /// An update was made.
  case update(TrainingProgress)
  /// The validation data were evaluated; `isBest` if no earlier result was as good.
  case validation(TrainingProgress, Validation, isBest: Bool)
  /// The model or a checkpoint was written.
  case saved(path: String)
  /// The model or a checkpoint could not be written; training goes on and tries again later.
  case notSaved(FileError)
  /// Something that should be known, as a sentence.
  case noted(String)
  /// A loss was not finite: training went back to the weights of an update, and to a fraction of the
  /// rate.
  case retreated(TrainingError, to: Int, rateFactor: Double)
  /// Training is over.
  case ended(TrainingEnd, TrainingRecord)

  /// The line.
  public var description: String {
    switch self {
    case .begun(let summary): summary.description
    case .preparing(let what, let progress): "\(what): \(progress)"
    case .update(let progress): progress.description
    case .validation(let progress, let result, let isBest):
      "\(progress), validation \(result.text(unit: progress.unit))\(isBest ? ", best so far" : "")"
    case .saved(let path): "saved \(path)"
    case .notSaved(let error): "\(error); training goes on and tries again"
    case .noted(let sentence): sentence
    case .retreated(let error, let update, let factor):
      "\(error.finding); training goes back to the weights of update \(grouped(update)), with "
        + "\(HyperparameterValue.number(factor).text) of the rate"
    case .ended(let end, let record):
      "\(end.rawValue) after \(counted(record.updates, "update")), \(time(record.seconds))"
    }
  }
}

/// What is trained, and on what.
public struct TrainingSummary: Sendable, CustomStringConvertible {
  /// The network in a few words, such as `lstm, 2 x 256 units`.
  public var network: String
  /// How much the model knows, such as `96 tokens`.
  public var sizes: [String]
  /// The weights that are learnt.
  public var weights: Int
  /// The sizes of the data.
  public var training, validation: DataSize
  /// What tokens are called where they are counted, such as `char`.
  public var unit: String
  /// The options as they are resolved.
  public var options: TrainingOptions
  /// An estimate of the memory that training takes, in bytes.
  public var memory: Int
  /// What else should be known, a sentence each, such as how much data is left out.
  public var notes: [String]

  /// The data and the network, a line each.
  public var description: String {
    "\(training.text(unit: unit)) to train on, "
      + "\(validation.text(unit: unit)) to validate on\n"
      + ([network] + sizes + [counted(weights, "weight")]).joined(separator: ", ")
      + notes.map { "\n\($0)" }.joined()
  }
}

/// How much data there is.
public struct DataSize: Codable, Sendable, Equatable {
  /// What the examples are called, such as `sentence`; empty where the data are one text.
  public var exampleName: String
  /// The examples and their tokens.
  public var examples, tokens: Int

  /// Nothing, unless told otherwise.
  public init(_ exampleName: String = "", examples: Int = 0, tokens: Int = 0) {
    self.exampleName = exampleName
    self.examples = examples
    self.tokens = tokens
  }

  /// Whether there is nothing.
  public var isEmpty: Bool { tokens == 0 }

  /// The counts, such as `120 sentences of 2,000 words`, or `none`.
  public func text(unit: String) -> String {
    if isEmpty, examples == 0 { return "none" }
    let tokens = counted(tokens, unit)
    return exampleName.isEmpty ? tokens : "\(counted(examples, exampleName)) of \(tokens)"
  }
}

/// Where training stands.
public struct TrainingProgress: Sendable, CustomStringConvertible {
  /// The updates made, over all resumed runs.
  public var update: Int
  /// The updates in all: an estimate where the budget is time.
  public var updates: Int
  /// The times through the training data.
  public var epoch: Double
  /// The loss of the last batch, in nats a token.
  public var loss: Double
  /// The norm of the last gradient, before clipping.
  public var gradientNorm: Double
  /// The learning rate.
  public var rate: Double
  /// The training tokens a second of this run, validation and saving included.
  public var tokensPerSecond: Double
  /// The seconds trained, over all resumed runs, and those left.
  public var elapsed, remaining: Double
  /// What a token is called, such as `char`.
  public var unit: String

  /// `tokensPerSecond` without its fraction, within what a clock that stands still makes of it.
  public var wholeTokensPerSecond: Int { Int(max(0, min(1e15, tokensPerSecond))) }

  /// `update 20 of 400, loss 2.345 nats/char, 30,000 chars/s, 1:20 left`.
  public var description: String {
    "update \(grouped(update)) of \(grouped(updates)), loss \(fixed(loss, 3)) nats/\(unit), "
      + "\(grouped(wholeTokensPerSecond)) \(unit)s/s, \(time(remaining)) left"
  }
}

/// How training ended.
public enum TrainingEnd: String, Codable, Sendable {
  /// The budget is used up.
  case budget = "budget used up"
  /// Validation did not get better for as long as the options' patience.
  case patience = "validation stopped improving"
  /// It was told to stop.
  case interrupted = "interrupted"
}

/// What goes wrong in training, as a sentence each.
public enum TrainingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The loss or the gradient of an update was not a number; whether there is a validated model from
  /// before.
  case diverged(update: Int, weight: String?, keepsBest: Bool)
  /// A checkpoint does not belong to this model, data or options.
  case checkpoint(path: String, found: String)
  /// The network, with all that training keeps of each weight, is larger than the memory.
  case tooLarge(weights: Int, needed: Int, memory: Int)
  /// A run that was to be gone on with is finished: its model is there, and nothing was changed.
  case finished(path: String)
  /// Data that cannot be trained on.
  case data(String)

  /// The sentence.
  public var description: String {
    switch self {
    case .diverged(_, _, let keepsBest):
      finding + " once more, after \(TrainingRecord.mostRetreats) retreats to lower rates"
        + (keepsBest ? "; the best model so far is kept" : "; there is no model yet")
        + ": try a lower learning rate or a lower limit of the gradient's norm"
    case .checkpoint(let path, let found):
      "\(path): cannot be resumed: \(found)"
    case .tooLarge(let weights, let needed, let memory):
      "the network has \(grouped(weights)) weights, which with what is kept of each need "
        + "\(grouped(needed >> 20)) MiB, and the machine has \(grouped(memory >> 20)): use fewer "
        + "layers, units or tokens"
    case .finished(let path):
      "\(path) is a run that is finished: there is nothing to go on with"
    case .data(let found): found
    }
  }

  /// The sentence without what comes of it.
  var finding: String {
    guard case .diverged(let update, let weight, _) = self else { return description }
    return "the loss became NaN or infinite at update \(grouped(update))"
      + (weight.map { " (first in the gradient of \($0))" } ?? "")
  }
}
