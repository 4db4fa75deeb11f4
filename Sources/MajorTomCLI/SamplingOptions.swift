import CommandLineModels
import CommandLineOptions
import MajorTom

/// The options of the sampler chain.
let samplingTable = [
  Option(
    "temperature", short: "t", "T",
    "Lower is safer, higher more varied, 0 always takes the likeliest (default: 0.8)"),
  Option("top-k", "K", "Choose among the K likeliest (default: all)"),
  Option("top-p", "P", "Choose among the likeliest that together reach P (default: 1)"),
  Option("min-p", "P", "Leave out what is less than P times as likely as the likeliest"),
  Option("typical", "P", "Choose among those of the usual surprise that together reach P"),
  Option("repetition-penalty", "R", "Divide scores of what stands in the window by R (default: 1)"),
  Option("frequency-penalty", "F", "Take F from a score for each time it stands in the window"),
  Option("presence-penalty", "F", "Take F from the scores of all that stands in the window"),
  Option("penalty-window", "N", "Tokens that penalties look back over (default: 64)"),
  Option("mirostat", "BITS", "Steer to a surprise of BITS a token (Mirostat 2)"),
  Option("mirostat-rate", "R", "How fast it steers (default: 0.1)"),
  Option(
    "logit-bias", "TEXT=B", "Add B to the score of the token TEXT; may be given more than once"),
  Option(
    "order", "NAME,...",
    "Order of the steps; the others follow (default: "
      + SamplingStep.Name.allCases.map(\.rawValue).joined(separator: ", ") + ")"),
]

/// How tokens are chosen; without a model, only what needs none is looked at.
func samplingOptions(
  _ arguments: ParsedArguments, _ model: LanguageModel?
) throws -> GenerationOptions {
  let any = Double.greatestFiniteMagnitude
  var options = GenerationOptions()
  options.topK = try arguments.integer("top-k", in: 1...Int.max)
  options.temperature = try arguments.number("temperature", in: 0...any) ?? options.temperature
  options.topP = try arguments.number("top-p", in: 1e-9...1)
  options.minP = try arguments.number("min-p", in: 0...1)
  options.typicalP = try arguments.number("typical", in: 1e-9...1)
  options.repetitionPenalty = try arguments.number("repetition-penalty", in: 0.01...100)
  options.frequencyPenalty = try arguments.number("frequency-penalty", in: -100...100)
  options.presencePenalty = try arguments.number("presence-penalty", in: -100...100)
  options.penaltyWindow =
    try arguments.integer("penalty-window", in: 0...1_000_000) ?? options.penaltyWindow
  options.mirostat = try arguments.number("mirostat", in: 0.01...100)
  options.mirostatRate =
    try arguments.number("mirostat-rate", in: 0.001...1) ?? options.mirostatRate
  options.order = try arguments.text("order").map(stepOrder) ?? []
  for (needed, name) in [("mirostat", "mirostat-rate")]
  where arguments.has(name) && !arguments.has(needed) {
    throw UsageError("--\(name) is for --\(needed): give both")
  }
  if let model {
    for typed in arguments.texts("logit-bias") { try add(bias: typed, to: &options, of: model) }
  }
  do { _ = try Sampler(options.chain) } catch { throw UsageError("--order: \(error)") }
  return options
}

private func stepOrder(_ typed: String) throws(UsageError) -> [SamplingStep.Name] {
  var order: [SamplingStep.Name] = []
  for word in typed.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
    guard let name = SamplingStep.Name(rawValue: word) else {
      let known = SamplingStep.Name.allCases.map(\.rawValue)
      let nearest = nearestName(to: word, among: known).map { "; did you mean \($0)?" } ?? ""
      throw UsageError(
        "--order \(quoted(word)): expected names of \(known.joined(separator: ", "))\(nearest)")
    }
    guard !order.contains(name) else {
      throw UsageError("--order: \(quoted(word)) stands there twice")
    }
    order.append(name)
  }
  return order
}

private func add(
  bias typed: String, to options: inout GenerationOptions, of model: LanguageModel
) throws {
  guard let sign = typed.lastIndex(of: "="),
    let value = Double(typed[typed.index(after: sign)...]), value.isFinite, sign > typed.startIndex
  else {
    throw UsageError(
      "--logit-bias \(quoted(typed)): expected a token, = and a number, as in 'e=-5'")
  }
  let text = String(typed[..<sign])
  let ids = try model.vocabulary.encode(text)
  guard ids.count == 1 else {
    throw UsageError(
      "--logit-bias \(quoted(typed)): \(quoted(text)) is \(counted(ids.count, "token")) of the model, and a "
        + "bias is for one")
  }
  options.bias[ids[0]] = value
}
