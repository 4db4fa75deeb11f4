internal import Files

extension TrainableModel {
  /// The model in lines for people: kind and network, parts, data, training, validation.
  public func describe() -> [ModelFact] {
    var lines = [ModelFact(Self.kind.title, networkText)] + facts
    let data = card.data.isEmpty ? "" : card.data.joined(separator: ", ") + ": "
    if !card.training.isEmpty || card.training.examples > 0 {
      lines.append(
        ModelFact(
          "data",
          "\(data)\(card.training.text(unit: card.unit)) to train on, "
            + "\(card.validation.text(unit: card.unit)) to validate on"))
    }
    if let recipe = card.recipe {
      lines.append(ModelFact("recipe", "\(recipe.name), for \(recipe.data)"))
      lines += recipe.choices.map {
        ModelFact("  \($0.name) \($0.value.text)", $0.reason)
      }
    }
    if card.updates > 0 { lines.append(ModelFact("trained", counted(card.updates, "update"))) }
    if let best = card.best {
      lines.append(
        ModelFact(
          "validation",
          "\(best.text(unit: card.unit)) at update \(grouped(card.bestUpdate))"))
    }
    let precision =
      core.filePrecision == .float32 ? "" : ", in \(core.filePrecision.rawValue)"
    lines.append(ModelFact("weights", grouped(weights.count) + precision))
    return lines
  }

  /// All that a model file says about the model besides its parts and weights, as one JSON object.
  public var jsonDescription: String {
    JSONValue.object([
      "kind": .text(Self.kind.name),
      "configuration": .raw(JSON.text(of: configuration)),
      "facts": .raw(
        "{"
          + facts.map { JSON.text(of: $0.label) + ":" + JSON.text(of: $0.text) }
          .joined(separator: ",") + "}"),
      "sizes": .raw(
        "{"
          + sizes.map { "\(JSON.text(of: $0.key)):\($0.value)" }.joined(separator: ",") + "}"),
      "weights": .whole(weights.count),
      "precision": .text(core.filePrecision.rawValue),
      "card": .raw(JSON.text(of: card)),
      "tensors": .raw(
        "{"
          + weights.names.map { "\(JSON.text(of: $0)):\(weights.shape(of: $0) ?? [])" }
          .joined(separator: ",") + "}"),
    ]).json
  }
}
