import MajorTom

/// Readers of model files and checkpoints, whose checksums are put right before they are read.
let modelDrivers: [Driver] = [
  // What any file of the format must withstand: its header, its offsets, its types.
  Driver(
    name: "safetensors", run: readSafetensors, mutate: Safetensors.mutate, longest: 20_000,
    seeds: { [("types", try Seeds.tensorsOfAllTypes()), ("model", try Seeds.tagger())] }),
  // All kinds of models, which are then described and used.
  Driver(
    name: "model", run: readModel, mutate: Safetensors.mutate, longest: 20_000,
    seeds: {
      [
        ("language-model", try Seeds.languageModel()),
        ("language-model-int8", try Seeds.smallLanguageModel()),
        ("language-model-1", try Seeds.languageModelOfVersion1()),
        ("tagger", try Seeds.tagger()), ("tagger-of-words", try Seeds.taggerOfWords()),
        ("translator", try Seeds.translator()),
      ]
    }),
  // A run of training takes up what a checkpoint says, and stops at once.
  Driver(
    name: "checkpoint", run: readCheckpoint, mutate: Safetensors.mutate, longest: 20_000,
    seeds: { [("checkpoint", try Seeds.checkpoint())] }),
]

private func readSafetensors(_ bytes: [UInt8]) throws {
  let path = Scratch.file(Safetensors.withSoundChecksum(bytes))
  let file = try SafetensorsFile(contentsOf: path)
  for (name, tensor) in file.tensors {
    let count = tensor.shape.reduce(1, *)
    demand(tensor.bytes.upperBound <= bytes.count, "\(name) lies within the file")
    let block = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
    defer { block.deallocate() }
    // Other types are refused, which says nothing of the next tensor.
    do { try file.copy(name, shape: tensor.shape, into: block) } catch {
      demand(!"\(error)".isEmpty, "an error is a sentence")
    }
  }
}

private func readModel(_ bytes: [UInt8]) throws {
  let path = Scratch.file(Safetensors.withSoundChecksum(bytes))
  switch try ModelFileReader(contentsOf: path).kind {
  case LanguageModel.kind.name:
    let model = try LanguageModel(contentsOf: path)
    try describe(model)
    try use(model)
  case Tagger.kind.name:
    let model = try Tagger(contentsOf: path)
    try describe(model)
    let text = "Ada met Bo Ng. 1999!"
    for span in try model.spans(in: text, threads: 1) {
      demand(span.bytes.upperBound <= text.utf8.count, "a span lies within its text")
    }
    _ = try model.best(3, ["Ada", "met", ""])
  case Translator.kind.name:
    let model = try Translator(contentsOf: path)
    try describe(model)
    var search = Translator.Search(beam: 3, best: 2)
    (search.maxLength, search.keepsAttention, search.noRepeatNGram) = (8, true, 2)
    _ = try model.translate(["one two", "", "xyz"], search, threads: 1)
    _ = try model.logProbabilities(of: Seeds.pairs)
  default: break
  }
}

/// All that `majortom info` prints.
private func describe<Model: TrainableModel>(_ model: Model) throws {
  for fact in model.describe() { demand(!fact.label.isEmpty, "a fact has a label") }
  demand(model.jsonDescription.first == "{", "a description is an object")
  for name in model.weights.names {
    demand(model.weights.shape(of: name) != nil, "each weight has a shape")
  }
  _ = model.sizes.map { "\($0.value) \($0.key)" }
  try model.configuration.validate()
}

private func use(_ model: LanguageModel) throws {
  let isBackwards = model.configuration.isBackwards
  _ = try Generation(
    model, after: "Day \u{e9}", .init(temperature: 0.7, topK: 40, topP: 0.9, length: 6), seed: 2
  ).reduce(into: "") { $0 += $1 }
  if !isBackwards {
    _ = try Generation(model, .init(minP: 0.1, length: 4, stops: ["e"])).reduce(into: "") {
      $0 += $1
    }
  }
  let corpus = Corpus(text: "Day 1.\nDay 2.\n")
  let encoded = try corpus.encoded(by: model.vocabulary)
  let range = model.validationRange(of: encoded.count)
  demand(range.lowerBound >= 0 && range.upperBound <= encoded.count, "a range lies within its text")
  _ = try model.evaluate(on: encoded)
}

private func readCheckpoint(_ bytes: [UInt8]) throws {
  Scratch.clear()
  let model = "\(Scratch.folder)/model"
  _ = Scratch.file(Safetensors.withSoundChecksum(bytes), named: "model.checkpoint")
  var learner = try Seeds.learner()
  try Seeds.train(&learner, into: model, resumes: true, isStopped: { true })
}
