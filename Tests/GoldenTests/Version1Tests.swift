import Foundation
import MajorTom
import TestSupport
import Testing

/// Files that an earlier version wrote, and what it made of them.
@Suite struct Version1Tests {
  private func path(_ name: String) throws -> String {
    let folder = try #require(Bundle.module.resourcePath)
    return "\(folder)/Fixtures/version-1/\(name)"
  }

  private func text(_ name: String) throws -> String {
    try String(contentsOfFile: path(name), encoding: .utf8)
  }

  @Test func aLanguageModelWritesAndPredictsAsItDid() throws {
    let model = try LanguageModel(contentsOf: path("lm.safetensors"))
    #expect(model.configuration.hiddenSize == 6 && model.card.updates == 20)
    #expect(model.card.options?.batch == 4 && model.card.options?.steps == 16)
    #expect(model.card.data == ["v1.txt"] && model.card.best?.metric == .crossEntropy)
    let options = GenerationOptions(temperature: 0.8, length: 60)
    let written = "Day 1" + model.generate(after: "Day 1", options, seed: 1).joined() + "\n"
    #expect(try written == text("lm.generated.txt"))
    struct Evaluated: Decodable {
      var symbols: Int
      // The tool's own name.
      // swift-format-ignore: AlwaysUseLowerCamelCase
      var nats_per_symbol: Double
    }
    let old = try JSONDecoder().decode(
      Evaluated.self, from: Data(text("lm.evaluated.json").utf8))
    let now = try model.evaluate(on: Corpus(text: GoldenCases.story), protocol: .crops)
    #expect(now.tokens == old.symbols)
    #expect(abs(now.natsPerToken - old.nats_per_symbol) < 1e-5)
  }

  @Test func aTaggerTagsAsItDid() throws {
    struct Tagged: Decodable {
      struct Span: Decodable {
        var type, text: String
        var confidence: Double
      }
      var text: String
      var spans: [Span]
    }
    let tagger = try Tagger(contentsOf: path("tagger.safetensors"))
    #expect(tagger.languageModels.count == 1 && tagger.card.training.examples == 40)
    let old = try JSONDecoder().decode(Tagged.self, from: Data(text("tagger.tagged.json").utf8))
    let now = try tagger.spans(in: old.text)
    #expect(now.map(\.type) == old.spans.map(\.type) && now.map(\.text) == old.spans.map(\.text))
    for (new, old) in zip(now, old.spans) {
      #expect(abs(new.confidence - old.confidence) < 1e-5)
    }
  }

  @Test func aTranslatorTranslatesAsItDid() throws {
    let translator = try Translator(contentsOf: path("translator.safetensors"))
    // The tool takes several arguments for one text.
    let found = try translator.translate("1203 44 0")
    #expect(try found + "\n" == text("translator.translated.txt"))
  }

  @Test func checkpointsAreRefusedWithASentence() throws {
    let folder = try Folder()
    try FileManager.default.copyItem(
      atPath: path("lm.checkpoint"), toPath: folder.place("m.safetensors.checkpoint"))
    let corpus = Corpus(text: GoldenCases.story)
    var model = try LanguageModel(
      on: corpus, .init(layers: 1, hiddenSize: 6) { $0.embeddingSize = 4 })
    let files = RunFiles(model: folder.place("m.safetensors"), resumes: true)
    let error = #expect(throws: TrainingError.self) {
      var options = TrainingOptions()
      (options.batch, options.steps) = (4, 16)
      try model.train(on: corpus, options: options, run: TrainingRun(files: files))
    }
    #expect(error?.description.contains("an earlier version of majortom wrote it") == true)
    #expect(folder.names == ["m.safetensors.checkpoint"])
  }

  @Test func whatIsReadIsWrittenInTheNewFormat() throws {
    let folder = try Folder()
    for (kind, name) in [
      (LanguageModel.self as any TrainableModel.Type, "lm"), (Tagger.self, "tagger"),
      (Translator.self, "translator"),
    ] {
      let old = try kind.init(contentsOf: path("\(name).safetensors"))
      let copy = folder.place(name)
      try old.write(to: copy)
      let file = try SafetensorsFile(contentsOf: copy)
      #expect(file.metadata["format"] == "majortom 2")
      let new = try kind.init(contentsOf: copy)
      #expect(new.jsonDescription == old.jsonDescription)
      #expect(new.weights.checksum == old.weights.checksum)
      let again = folder.place("again")
      try new.write(to: again)
      let bytes = try [copy, again].map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
      #expect(bytes[0] == bytes[1])
    }
  }
}
