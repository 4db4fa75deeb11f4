internal import Files

/// What goes wrong with a language model, as a sentence each.
public enum LanguageModelError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A corpus too short for the lanes asked for.
  case corpusTooShort(tokens: Int, needed: Int, batch: Int, steps: Int)
  /// Data to evaluate on that hold nothing to predict.
  case nothingToEvaluate(tokens: Int)
  /// A request for an endless text of a model that reads backwards.
  case backwardsWithoutLength
  /// Stop strings for a model that reads backwards.
  case backwardsWithStops
  /// A text of less than no tokens asked for.
  case negativeLength(Int)
  /// Stretches of less than one token asked for.
  case noStretch(Int)
  /// A state of a text that belongs to another model.
  case otherModel(path: String)
  /// A state of a text that a model which reads backwards cannot have.
  case backwardsWithState
  /// A text too short for the steps to be looked back over.
  case textTooShort(tokens: Int, needed: Int)
  /// Weights with which what is computed overflows.
  case overflow
  /// A signal that the cell of a layer, counted from 1, does not have.
  case noSignal(String, layer: Int, known: [String])
  /// A unit that the network does not have.
  case noUnit(LanguageModel.Unit, layers: Int, hiddenSize: Int)

  /// The sentence.
  public var description: String {
    switch self {
    case .corpusTooShort(let tokens, let needed, let batch, let steps):
      "the corpus has \(tokens) tokens to train on, and \(batch) lanes of \(steps) steps need "
        + "\(needed): use more text, or fewer lanes or steps"
    case .nothingToEvaluate(let tokens):
      "the text has \(tokens) tokens to evaluate: at least 2 are needed, one to predict the next"
    case .backwardsWithoutLength:
      "a model that reads backwards writes the beginning of a text last: give the length"
    case .backwardsWithStops:
      "a model that reads backwards writes the end of a text first, so a text cannot stop it"
    case .negativeLength(let length):
      "a text of \(length) tokens cannot be written: the length must be 0 or more"
    case .noStretch(let length):
      "a stretch of \(length) tokens cannot be looked for: the length must be 1 or more"
    case .otherModel(let path):
      "\(quoted(path)) is the state of a text of another model: continue it with the model that wrote it"
    case .backwardsWithState:
      "a model that reads backwards writes the end of a text first, so there is no state to go on from"
    case .textTooShort(let tokens, let needed):
      "the text has \(tokens) tokens, and \(needed) are needed: use more text, or a smaller length"
    case .overflow:
      "the model's weights are so large that its numbers overflow: the file is damaged, or its "
        + "training went wrong"
    case .noSignal(let signal, let layer, let known):
      "layer \(layer) has no signal \(quoted(signal)): it has \(known.joined(separator: ", "))"
    case .noUnit(let unit, let layers, let hiddenSize):
      "there is no unit \(unit.layer).\(unit.number): the model has layers 1 to \(layers) of "
        + "units 1 to \(hiddenSize)"
    }
  }
}
