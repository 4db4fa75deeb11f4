import Cells
import DenseMath
import Foundation
import ICUText
import LanguageModel
import Parameters
import TestSupport
import Testing
import Training

@testable import Tagger

/// Sentences in which a name is a person before "smiled", and a place before "lies".
private func corpus(_ count: Int, seed: UInt64) -> TaggedCorpus {
  var numbers = TestNumbers(seed: seed)
  let names = ["Ada", "Bo", "Cy", "Dee", "Eli", "Fay", "Gus", "Hal"]
  let sentences = (0..<count).map { _ in
    let name = names[numbers.integer(0...7)]
    let isPlace = numbers.integer(0...1) == 1
    let before = ["We", "heard", "that", "today"].prefix(numbers.integer(1...4))
    let type = isPlace ? "LOC" : "PER"
    let after = isPlace ? ["lies", "north"] : ["smiled", "again", "."]
    return TaggedSentence(
      words: before + [name, "Ng"] + after,
      tags: before.map { _ in "O" } + ["B-\(type)", "I-\(type)"] + after.map { _ in "O" })
  }
  return TaggedCorpus(sentences)
}

private func smallConfiguration() -> Tagger.Configuration {
  var configuration = Tagger.Configuration()
  configuration.hiddenSize = 16
  configuration.wordSize = 12
  configuration.characterSize = 6
  configuration.characterFeatures = 8
  configuration.shapeSize = 4
  configuration.dropout = 0.1
  configuration.inputDropout = 0.1
  return configuration
}

private func options(
  epochs: Double, threads: Int? = nil, _ change: (inout TestRun) -> Void = { _ in }
) -> TestRun {
  var test = TestRun(Tagger.defaultOptions, .epochs(epochs), warmUp: 5)
  test.options.batch = 8
  test.run.threads = threads
  change(&test)
  return test
}

@Suite struct TaggerTests {
  /// Words, characters by either reader, shapes, given features, both directions, dropout, decoder:
  /// every gradient of the whole network.
  @Test(arguments: Tagger.CharacterReader.allCases, Tagger.Decoder.allCases)
  func gradientsOfTheWholeNetworkMatchCentralDifferences(
    reader: Tagger.CharacterReader, decoder: Tagger.Decoder
  ) throws {
    let data = corpus(5, seed: 3)
    var configuration = Tagger.Configuration()
    configuration.hiddenSize = 3
    configuration.layers = 2
    configuration.wordSize = 3
    configuration.characterSize = 2
    configuration.characterFeatures = 4
    configuration.shapeSize = 2
    configuration.characters = reader
    configuration.decoder = decoder
    configuration.inputDropout = 0.2
    configuration.dropout = 0.2
    configuration.projectedFeatures = 2
    let tagger = try Tagger(on: data, configuration)
    // The network of a tagger with language models, whose states are drawn here.
    let network = TaggerNetwork(configuration, lexicon: tagger.lexicon, featureSize: 3)
    var encoded = try tagger.encode(data)
    var numbers = TestNumbers(seed: 8)
    encoded.features = (0..<data.wordCount * 3).map { _ in Float(numbers.next()) }
    encoded.featureSize = 3
    let sentences = encoded
    let parameters = Parameters<Double>(network.layout, seed: 2)
    for entry in network.layout.entries where entry.name.hasPrefix("crf") {
      for place in 0..<entry.count { parameters.base[entry.offset + place] = numbers.next() }
    }
    let packed = PackedWeights<Double>(network.layout, forTraining: true)
    let workspace = Workspace(parameters, packed: packed, forTraining: true)
    let order = sentences.sentences.indices.sorted {
      sentences.sentences[$0].count > sentences.sentences[$1].count
    }
    let masks = Dropout.Masks(CounterRandom(seed: 1, stream: .dropout), step: 0, firstLane: 0)
    func loss() -> Double {
      packed.load(parameters, on: Shards(threads: 1))
      workspace.reset()
      let batch = network.batch(
        order, of: sentences, starts: sentences.starts, on: workspace,
        isUnknown: { number, step, _ in (number + step) % 4 == 0 })
      var tags = [Int](repeating: 0, count: batch.shape.total)
      for (row, rows) in batch.shape.sequences.enumerated() {
        for (step, place) in rows.enumerated() { tags[place] = sentences.tags[order[row]][step] }
      }
      return 0.25
        * network.lossAndGradients(batch, tags: tags, masks: masks, scale: 0.25, on: workspace)
    }
    for (name, error) in worstGradientErrors(of: parameters, on: workspace, loss: { _ in loss() }) {
      #expect(error < 1e-7, "\(name)")
    }
  }

  /// What comes after a name decides: only a tagger that reads backwards too can know it.
  @Test func bothDirectionsAreNeededWhereOnlyTheRestDecides() throws {
    let (training, fresh) = (corpus(160, seed: 1), corpus(60, seed: 2))
    func metric(isForwardOnly: Bool) throws -> Double {
      var configuration = smallConfiguration()
      configuration.isForwardOnly = isForwardOnly
      var tagger = try Tagger(on: training, configuration)
      try tagger.train(on: training, options(epochs: 12))
      return try tagger.evaluate(on: fresh).metric
    }
    #expect(try metric(isForwardOnly: false) == 1)
    #expect(try metric(isForwardOnly: true) < 0.8)
  }

  @Test func resultsDoNotDependOnThreads() throws {
    let training = corpus(40, seed: 1)
    let taggers = try [1, 2, 3].map { threads in
      var tagger = try Tagger(on: training, smallConfiguration())
      try tagger.train(
        on: training, validation: corpus(10, seed: 2),
        options(epochs: 2, threads: threads) { $0.options.shards = 3 })
      return tagger
    }
    let bits = taggers.map(\.weightBits)
    #expect(bits[0] == bits[1] && bits[0] == bits[2])
    let sentences = corpus(30, seed: 4).sentences.map(\.words)
    #expect(
      try taggers[0].tag(sentences, threads: 1) == taggers[0].tag(sentences, threads: 2))
  }

  @Test func aResumedRunIsBitIdenticalAndAFileReadBackIsTheSame() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (training, development) = (corpus(40, seed: 1), corpus(10, seed: 2))
    func run(
      _ name: String, stopAfter: Int?, resumes: Bool = false, on corpus: TaggedCorpus? = nil
    ) throws -> Tagger {
      var tagger = try Tagger(on: training, smallConfiguration())
      var updates = 0
      let path = folder.appendingPathComponent(name).path
      let end = try tagger.train(
        on: corpus ?? training, validation: development,
        options(epochs: 3) { $0.run.files = RunFiles(model: path, resumes: resumes) },
        report: { if case .update = $0 { updates += 1 } },
        isStopped: { stopAfter.map { updates >= $0 } ?? false })
      #expect((end == .interrupted) == (stopAfter != nil))
      return tagger
    }
    let whole = try run("whole", stopAfter: nil)
    _ = try run("parts", stopAfter: 7)
    // The same sentences in another order are other data.
    var turned = training
    turned.sentences.reverse()
    #expect(throws: TrainingError.self) {
      try run("parts", stopAfter: nil, resumes: true, on: turned)
    }
    let resumed = try run("parts", stopAfter: nil, resumes: true)
    #expect(
      whole.weightBits == resumed.weightBits)
    let read = try Tagger(contentsOf: folder.appendingPathComponent("whole").path)
    #expect(read.lexicon == whole.lexicon && read.configuration == whole.configuration)
    let sentences = development.sentences.map(\.words)
    #expect(try read.tag(sentences) == whole.tag(sentences))
  }

  @Test func spansCarryTheirPlacesAndProbabilities() throws {
    let training = corpus(160, seed: 1)
    var tagger = try Tagger(on: training, smallConfiguration())
    try tagger.train(on: training, validation: corpus(20, seed: 5), options(epochs: 12))
    let text = "🚀 We heard that Ada Ng smiled again. Today Bo Ng lies north"
    let spans = try tagger.spans(in: text)
    #expect(spans.map(\.type) == ["PER", "LOC"])
    for span in spans {
      #expect(String(decoding: Array(text.utf8)[span.bytes], as: UTF8.self) == span.text)
      #expect(String(decoding: Array(text.utf16)[span.utf16], as: UTF16.self) == span.text)
      let scalars = Array(text.unicodeScalars)[span.codePoints]
      #expect(String(String.UnicodeScalarView(scalars)) == span.text)
      #expect(span.confidence > 0.5 && span.confidence <= 1)
    }
    // The probabilities of the likeliest taggings fall, add up to at most 1, and the first is chosen.
    let words = ["We", "heard", "Ada", "Ng", "smiled"]
    let best = try tagger.best(4, words)
    #expect(best.count == 4)
    #expect(zip(best, best.dropFirst()).allSatisfy { $0.probability >= $1.probability })
    #expect(best.reduce(0) { $0 + $1.probability } <= 1 + 1e-9)
    #expect(try best[0].tags == tagger.tag([words])[0].tags)
  }

  /// Against the sum over all taggings, one by one.
  @Test(arguments: Tagger.Decoder.allCases)
  func typesHaveTheProbabilityOfAllTaggingsWithThem(decoder: Tagger.Decoder) throws {
    let training = corpus(60, seed: 1)
    var configuration = smallConfiguration()
    configuration.decoder = decoder
    var tagger = try Tagger(on: training, configuration)
    try tagger.train(on: training, options(epochs: 2))
    #expect(tagger.types == ["LOC", "PER"])
    let words = ["We", "heard", "Ada", "Ng", "smiled"]
    let all = try tagger.best(100_000, words)
    #expect(abs(all.reduce(0) { $0 + $1.probability } - 1) < 1e-9)
    let found = try tagger.typeProbabilities(of: [words, []])
    #expect(found.map(\.count) == [5, 0])
    for (place, row) in found[0].enumerated() {
      for (type, probability) in zip(tagger.types, row) {
        let sum = all.reduce(0) { sum, tagging in
          sum + (tagging.tags[place].hasSuffix("-\(type)") ? tagging.probability : 0)
        }
        #expect(abs(probability - sum) < 1e-9, "\(words[place]) \(type)")
      }
    }
    let beginnings = try tagger.typeProbabilities(ofBeginningsOf: words)
    #expect(beginnings.map(\.count) == [1, 2, 3, 4, 5] && beginnings[4].count == found[0].count)
    for (count, rows) in beginnings.enumerated() {
      let alone = try tagger.typeProbabilities(of: [Array(words[...count])])[0]
      for (one, other) in zip(rows.joined(), alone.joined()) { #expect(abs(one - other) < 1e-5) }
    }
  }

  /// Each word as a span, at its own place; and spans of a sentence that is not the first.
  @Test func spansInATextPointIntoIt() {
    let text = "Ada lies. 猫 Bo Ng smiled"
    let words = Tagger.words(of: "Ada lies. 猫 Bo Ng smiled")
    let sentence = SentenceInText(
      words: Array(words[2...]),
      tagging: Tagger.Tagging(
        tags: ["O", "B-PER", "E-PER", "O"], confidences: [0.9, 0.8, 0.7, 0.6],
        spans: [TaggedSpan(type: "PER", words: 1..<3, confidence: 0.5)]))
    let spans = sentence.spans(in: text)
    #expect(spans.map(\.text) == ["Bo Ng"] && spans.map(\.type) == ["PER"])
    #expect(spans[0].bytes == 14..<19 && spans[0].utf16 == 12..<17 && spans[0].confidence == 0.5)
    #expect(spans[0].codePoints == 12..<17 && spans[0].span.words == 1..<3)
    let tagged = sentence.taggedWords
    #expect(tagged.map(\.type) == sentence.tagging.tags)
    #expect(tagged.map(\.confidence) == sentence.tagging.confidences)
    #expect(tagged.map(\.text) == ["猫", "Bo", "Ng", "smiled"])
    #expect(tagged.map(\.bytes.lowerBound) == [10, 14, 17, 20])
  }

  @Test func oddSentencesAreTagged() throws {
    let training = corpus(20, seed: 1)
    var tagger = try Tagger(on: training, smallConfiguration())
    try tagger.train(on: training, options(epochs: 1))
    let long = (0..<5000).map { "word\($0 % 90)" }
    let odd = ["", "\u{301}", "🚀👩‍👩‍👧", String(repeating: "x", count: 100_000), "ВВС"]
    let tagged = try tagger.tag([[], long, odd, ["Ada"]])
    #expect(tagged.map(\.tags.count) == [0, 5000, 5, 1])
    #expect(tagged[1].confidences.allSatisfy { $0 > 0 && $0 <= 1 })
    // Sentences do not see their neighbours in a batch.
    let alone = try tagger.tag([odd])[0]
    #expect(alone.tags == tagged[2].tags)
    for (one, other) in zip(alone.confidences, tagged[2].confidences) {
      #expect(abs(one - other) < 1e-5)
    }
    #expect(try tagger.spans(in: "").isEmpty && tagger.spans(in: " \n\t ").isEmpty)
    #expect(throws: TrainingError.self) {
      try tagger.train(on: TaggedCorpus([]), options(epochs: 1))
    }
  }

  @Test func shapesOfWords() {
    let shapes: [(String, Lexicon.Shape)] = [
      ("tom", .lower), ("Tom", .capitalized), ("NASA", .upper), ("iPhone", .mixed),
      ("McKay", .mixed), ("1984", .digits), ("R2D2", .withDigits), ("東京", .caseless),
      ("...", .symbols), ("Éa", .capitalized), ("I", .capitalized), ("", .symbols),
    ]
    for (word, shape) in shapes { #expect(Lexicon.Shape(word) == shape, "\(word)") }
  }

  @Test func languageModelsGiveFeaturesAndLieInTheTaggersFile() throws {
    let training = corpus(24, seed: 1)
    let text = training.sentences.map { $0.words.joined(separator: " ") + "\n" }.joined()
    let vocabulary = try Vocabulary(counting: Segmentation(), in: Corpus(text: text))
    let models = try [false, true].map { isBackwards in
      try LanguageModel(
        .init(layers: 1, hiddenSize: isBackwards ? 5 : 7) {
          ($0.embeddingSize, $0.isBackwards) = (4, isBackwards)
        },
        vocabulary: vocabulary, seed: isBackwards ? 2 : 3)
    }
    var configuration = smallConfiguration()
    configuration.projectedFeatures = 6
    var tagger = try Tagger(on: training, configuration, languageModels: models)
    #expect(tagger.core.parts.featureSize == 12)
    let sentences = training.sentences.map(\.words)
    let states = try models.map { try $0.wordStates(of: sentences) }
    let features = try tagger.features(of: sentences, threads: 1)
    for word in 0..<training.wordCount {
      #expect(
        Array(features[word * 12..<word * 12 + 7]) == Array(states[0][word * 7..<word * 7 + 7]))
      #expect(
        Array(features[word * 12 + 7..<word * 12 + 12]) == Array(states[1][word * 5..<word * 5 + 5])
      )
    }
    try tagger.train(on: training, validation: training, options(epochs: 3))
    let path = NSTemporaryDirectory() + "majortom-\(UUID().uuidString).safetensors"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try tagger.write(to: path)
    let read = try Tagger(contentsOf: path)
    #expect(read.languageModels.map(\.wordStateSize) == [7, 5])
    #expect(try read.tag(sentences) == tagger.tag(sentences))
  }

  @Test func vectorsAreReadForWordsInUse() throws {
    let training = corpus(24, seed: 1)
    let path = NSTemporaryDirectory() + "majortom-\(UUID().uuidString).vec"
    defer { try? FileManager.default.removeItem(atPath: path) }
    func read(_ text: String, andFirst extra: Int = 0) throws -> WordVectors {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      return try WordVectors(contentsOf: path, wordsOf: [training], andFirst: extra)
    }
    let text = "5 3\n, 1 2 3\nADA 0.5 -1 2e-1 \nada 9 9 9\nzebra 1 1 1\na b 4 5 6\n"
    let vectors = try read(text)
    #expect(vectors.width == 3 && vectors.wordsInFile == 5)
    #expect(vectors.vectors == ["ada": [0.5, -1, 0.2]])
    #expect(try read(text, andFirst: 5).vectors["a b"] == [4, 5, 6])
    let tagger = try Tagger(on: training, smallConfiguration(), vectors: vectors)
    #expect(tagger.configuration.wordSize == 3)
    let row = try #require(tagger.lexicon.words.firstIndex(of: "ada"))
    #expect(
      tagger.weights.block[tagger.network.words.table].rows(row..<row + 1).elements == [
        0.5, -1, 0.2,
      ])
    for (text, part) in [
      ("a 1 2\nb 1\n", ":2: 1 numbers, where the first vector has 2"), ("word\n", ":1:"),
      ("ada x y\n", "x is not a number"), ("\n", "no vector"),
    ] {
      do {
        _ = try read(text)
        Issue.record("read \(text)")
      } catch { #expect("\(error)".contains(part), "\(error)") }
    }
  }
}
