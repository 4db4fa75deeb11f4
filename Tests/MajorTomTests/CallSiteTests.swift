import Foundation
import MajorTom
import Testing

/// A type of the user's own, called like one of the package: it is the one that is meant here.
private struct LanguageModel {
  let name = "mine"
}

/// The lines that the README and the design show, as another package would write them: by the one
/// import, and without what is not public.
@Suite struct CallSiteTests {
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent(UUID().uuidString)

  private func corpus() -> Corpus {
    Corpus(text: (0..<400).map { "Day \($0). The lamp turned \($0 % 7) times.\n" }.joined())
  }

  private func sentences() -> TaggedCorpus {
    TaggedCorpus(
      (0..<24).map { number in
        TaggedSentence(
          words: ["We", "heard", number % 2 == 0 ? "Ada" : "Bo", "Ng", "smile"],
          tags: ["O", "O", "B-PER", "I-PER", "O"])
      })
  }

  @Test func aLanguageModelIsTrainedAndWrites() throws {
    let corpus = corpus()
    var lm = try MajorTom.LanguageModel(on: corpus, .init(cell: .lstm, hiddenSize: 32))
    var lines: [String] = []
    try lm.train(on: corpus, for: .updates(2), seed: 1) { lines.append("\($0)") }
    #expect(lines.count >= 4 && lines.dropFirst().allSatisfy { !$0.contains("\n") })
    #expect(lines.contains { $0.hasPrefix("update 1 of 2, loss ") && $0.hasSuffix(" left") })
    var text = ""
    for piece in lm.generate(after: "Day 1", .init(temperature: 0.8)) { text += piece }
    #expect(!text.isEmpty)
    #expect(LanguageModel().name == "mine")
  }

  @Test func aBudgetOfMinutesIsKept() throws {
    let corpus = corpus()
    var lm = try MajorTom.LanguageModel(on: corpus, .init(hiddenSize: 8))
    let end = try lm.train(on: corpus, for: .minutes(0.01), seed: 1)
    #expect(end == .budget && lm.card.updates > 0)
  }

  @Test func aTaggerIsTrainedKeptAndReadBack() throws {
    let sentences = sentences()
    var tagger = try Tagger(on: sentences)
    try tagger.train(on: sentences, for: .epochs(1))
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let url = folder.appendingPathComponent("tagger.safetensors")
    try tagger.write(to: url)
    let text = "We heard Ada Ng smile"
    let spans = try Tagger(contentsOf: url).spans(in: text)
    #expect(try spans == Tagger(contentsOf: url.path).spans(in: text))
    #expect(try spans == tagger.spans(in: text))
  }

  @Test func aTranslatorIsTrainedOnPairsReadOrMade() throws {
    let made = try ParallelCorpus(
      numbers: 0...60, from: SpelledNumbers(locale: "en"), to: SpelledNumbers(locale: "fr"),
      count: 60, seed: 1)
    var translator = try Translator(on: made, .init(hiddenSize: 16))
    try translator.train(on: made, for: .epochs(1))
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("pairs.tsv").path
    try made.pairs.map(\.line).joined().write(toFile: path, atomically: true, encoding: .utf8)
    let read = try ParallelCorpus(contentsOf: path)
    #expect(read.pairs == made.pairs)
    try translator.train(on: read, for: .updates(2))
    let best = try translator.translate("twenty-three", Translator.Search(beam: 5))
    #expect(best == (try translator.translate(["twenty-three"], .init(beam: 5))[0][0].text))
  }

  @Test func weightsAreReadOnlyAndNamedAsPyTorchDoes() throws {
    let lm = try MajorTom.LanguageModel(on: corpus(), .init(layers: 1, hiddenSize: 8))
    #expect(lm.weights.shape(of: "rnn.weight_hh_l0") == [32, 8])
    #expect(lm.weights.elements(of: "rnn.bias_ih_l0")?[8..<16].allSatisfy { $0 == 1 } == true)
    #expect(lm.weights.elements(of: "nothing") == nil)
    #expect(lm.describe().contains { $0.label == "tokens" })
  }
}
