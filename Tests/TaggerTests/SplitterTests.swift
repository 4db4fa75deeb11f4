import Cells
import DenseMath
import Foundation
import ICUText
import Parameters
import TestSupport
import Testing
import Training

@testable import Tagger

/// Sentences of running text with all that ICU does not know: a title with a full stop, contractions,
/// a French contraction whose words are no pieces of it.
private func corpus(_ count: Int, seed: UInt64, endsWithStops: Bool = true) -> TaggedCorpus {
  var numbers = TestNumbers(seed: seed)
  let names = ["Ada", "Bo", "Cy", "Dee", "Eli", "Fay", "Gus", "Hal"]
  func name() -> String { names[numbers.integer(0...7)] }
  let sentences = (0..<count).map { number in
    // Each token with its words; the last one joins the one before it.
    let middle: [[String]]
    switch numbers.integer(0...3) {
    case 0: middle = [["Dr."], [name()], ["don't", "do", "n't"], ["smile"]]
    case 1: middle = [[name()], ["came"], ["du", "de", "le"], ["port"]]
    case 2: middle = [["We"], ["saw"], ["Dr."], [name()], ["again"]]
    default: middle = [[name()], ["can't", "ca", "n't"], ["swim"]]
    }
    let tokens = middle + (endsWithStops ? [["."]] : [])
    var sentence = TaggedSentence(words: [], tags: [])
    var running = RunningText(tokens: [], beginsParagraph: number % 4 == 0)
    for (place, token) in tokens.enumerated() {
      let words = token.count > 1 ? Array(token.dropFirst()) : token
      let first = sentence.words.count
      sentence.words += words
      sentence.tags += words.map { $0.first?.isUppercase == true ? "NAME" : "WORD" }
      running.tokens.append(
        .init(
          text: token[0], words: first..<sentence.words.count,
          isFollowedBySpace: !(endsWithStops && place == tokens.count - 2)))
    }
    sentence.running = running
    return sentence
  }
  return TaggedCorpus(sentences)
}

private func tiny() -> Tagger.Configuration {
  var configuration = Tagger.Configuration()
  (configuration.hiddenSize, configuration.wordSize) = (8, 8)
  (configuration.characterSize, configuration.characterFeatures) = (4, 4)
  return configuration
}

private func trained(
  _ data: TaggedCorpus, threads: Int? = nil, files: RunFiles? = nil, updates: Int = 3,
  isStopped: @escaping () -> Bool = { false }
) throws -> Tagger {
  var tagger = try Tagger(on: data, tiny())
  try tagger.train(
    on: data, for: .updates(updates),
    run: TrainingRun(threads: threads, files: files, isStopped: isStopped))
  return tagger
}

@Suite struct SplitterTests {
  private let folder: Folder

  init() throws { folder = try Folder() }

  @Test func gradientsOfTheNetworkMatchCentralDifferences() throws {
    var configuration = Splitter.Configuration(layers: 2, hiddenSize: 3, dropout: 0.2)
    configuration.inputDropout = 0.2
    (configuration.graphemeSize, configuration.traitSize) = (3, 2)
    (configuration.pairSize, configuration.pairRows) = (2, 5)
    let network = SplitterNetwork(configuration, graphemes: 9)
    var numbers = TestNumbers(seed: 4)
    let sequences = [9, 6, 6, 2].map { length in
      var code = SplitterCode()
      code.graphemes = (0..<length).map { _ in Int32(numbers.integer(0...8)) }
      code.traits = (0..<length).map { _ in Int32(numbers.integer(0...63)) }
      code.ends = Array(1...length)
      return SplitterSequence.windows(
        of: code, labels: (0..<length).map { _ in Int32(numbers.integer(0...5)) })[0]
    }
    let parameters = Parameters<Double>(network.layout, seed: 2)
    let packed = PackedWeights<Double>(network.layout, forTraining: true)
    let workspace = Workspace(parameters, packed: packed, forTraining: true)
    let masks = Dropout.Masks(CounterRandom(seed: 1, stream: .dropout), step: 0, firstLane: 0)
    for (name, error) in worstGradientErrors(
      of: parameters, on: workspace,
      loss: { _ in
        packed.load(parameters, on: Shards(threads: 1))
        workspace.reset()
        return 0.25
          * network.lossAndGradients(sequences, masks: masks, scale: 0.25, on: workspace)
      })
    {
      #expect(error < 1e-7, "\(name)")
    }
  }

  /// Every place of a paragraph counts in exactly one window, and long ones have context around.
  @Test func windowsCoverAParagraphOnce() {
    for count in [0, 1, 1197, 1198, 1199, 1200, 2300, 2301, 5003] {
      let windows = SplitterWindow.windows(of: count)
      #expect(windows.flatMap(\.core) == Array(0..<count + 2))
      for window in windows {
        #expect(window.range.count <= SplitterWindow.longest)
        #expect(
          window.range.lowerBound == 0
            || window.core.lowerBound - window.range.lowerBound == SplitterWindow.context)
        #expect(
          window.range.upperBound == count + 2
            || window.range.upperBound - window.core.upperBound == SplitterWindow.context)
      }
    }
  }

  @Test func aTaggerLearnsToCutRunningText() throws {
    let tagger = try trained(corpus(300, seed: 1))
    let fresh = corpus(60, seed: 2)
    let score = try tagger.evaluateRaw(on: fresh)
    #expect(score.tokens.f1 > 0.99 && score.sentences.f1 > 0.97 && score.words.f1 > 0.99)
    // The rules alone know no contractions.
    var plain = tagger
    plain.core.changeParts { $0.splitter = nil }
    let rules = try plain.evaluateRaw(on: fresh)
    #expect(rules.words.f1 < 0.97)
    // A name that never was, a line end in a sentence, an empty line, an end without a full stop.
    let text = "Dr. Zoe don't\r\nsmile. Bo came\ndu port.\n \n🚀 We saw Dr. Ada again"
    let sentences = try tagger.cut([text])[0]
    #expect(
      sentences.map { $0.words.map(\.text) } == [
        ["Dr.", "Zoe", "do", "n't", "smile", "."], ["Bo", "came", "de", "le", "port", "."],
        ["🚀", "We", "saw", "Dr.", "Ada", "again"],
      ])
    #expect(sentences[0].multiwords.map(\.words) == [2..<4])
    #expect(sentences[0].multiwords.map(\.place.text) == ["don't"])
    #expect(sentences[1].words[2].bytes == sentences[1].words[3].bytes)
    for word in sentences.flatMap(\.words) where !["de", "le"].contains(word.text) {
      #expect(String(decoding: Array(text.utf8)[word.bytes], as: UTF8.self) == word.text)
      #expect(String(decoding: Array(text.utf16)[word.utf16], as: UTF16.self) == word.text)
      let scalars = Array(text.unicodeScalars)[word.codePoints]
      #expect(String(String.UnicodeScalarView(scalars)) == word.text)
    }
    #expect(sentences.last?.words.last?.codePoints.upperBound == text.unicodeScalars.count)
    // How a text is cut does not depend on the others, nor on threads.
    let texts = [text, "", " \n\n ", "Bo", text + text]
    #expect(try tagger.cut(texts, threads: 2) == texts.map { try tagger.cut([$0], threads: 1)[0] })
    #expect(try tagger.cut(texts)[1].isEmpty && tagger.cut(texts)[2].isEmpty)
    // The file holds it.
    try tagger.write(to: folder.place("m"))
    let read = try Tagger(contentsOf: folder.place("m"))
    #expect(try read.cut(texts) == tagger.cut(texts))
    #expect(try read.quantized(to: .int8).cut([text])[0].count == 3)
  }

  @Test func splittersDoNotDependOnThreadsOrInterruptions() throws {
    let data = corpus(200, seed: 3)
    func bytes(_ name: String) throws -> Data {
      try Data(contentsOf: URL(fileURLWithPath: folder.place(name)))
    }
    for (name, threads) in [("one", 1), ("two", 2)] {
      _ = try trained(data, threads: threads, files: RunFiles(model: folder.place(name)))
    }
    #expect(try bytes("one") == bytes("two"))
    // Stopped before the splitter is done, and in the middle of the rest.
    for (number, limit) in [5, 10_000].enumerated() {
      let name = "broken \(number)"
      var asked = 0
      let stopped = try trained(
        data, files: RunFiles(model: folder.place(name)),
        isStopped: {
          asked += 1
          return asked > limit
        })
      #expect((stopped.core.parts.splitter == nil) == (limit == 5))
      _ = try trained(data, files: RunFiles(model: folder.place(name), resumes: limit == 5))
      #expect(try bytes(name) == bytes("one"))
    }
  }

  /// What a run has learnt of cutting stands in its model: who goes on takes it, and not that of other data.
  @Test func aRunThatGoesOnDoesNotLearnToCutAgain() throws {
    /// How often it told that it learns to cut, and the model's bytes.
    func run(_ data: TaggedCorpus, _ name: String, stop: Int = .max) throws -> (Int, Data) {
      let files = RunFiles(model: folder.place(name), resumes: true)
      var (told, updates) = (0, 0)
      var tagger = try Tagger(on: data, tiny())
      var options = Tagger.defaultOptions
      (options.budget, options.validateEvery) = (.updates(4), 1)
      try tagger.train(
        on: data, options: options, run: TrainingRun(files: files, isStopped: { updates >= stop })
      ) { event in
        if case .preparing = event { told += 1 }
        if case .update = event { updates += 1 }
      }
      return (told, try Data(contentsOf: URL(fileURLWithPath: files.model)))
    }
    let (data, others) = (corpus(200, seed: 3), corpus(200, seed: 9))
    let whole = try run(data, "whole")
    #expect(whole.0 > 0)
    #expect(try run(data, "cut", stop: 2).0 == whole.0)
    let rest = try run(data, "cut")
    #expect(rest.0 == 0)
    #expect(rest.1 == whole.1)
    // The model of other data in the same place, as a run that was overwritten leaves it.
    _ = try run(others, "others", stop: 2)
    try FileManager.default.removeItem(atPath: folder.place("others.checkpoint"))
    try? FileManager.default.removeItem(atPath: folder.place("others.checkpoint.older"))
    var tagger = try Tagger(on: data, tiny())
    var told = 0
    try tagger.learnParts(
      on: data, Tagger.defaultOptions,
      TrainingRun(files: RunFiles(model: folder.place("others"), resumes: true))
    ) { _ in told += 1 }
    #expect(told > 0)
  }

  /// Texts whose sentences end with nothing, or that are one sentence each, are learnt from, too.
  @Test func textsOfOneSentenceTeachWhereSentencesEnd() throws {
    var data = corpus(240, seed: 5)
    for place in data.sentences.indices { data.sentences[place].running?.beginsParagraph = true }
    let tagger = try trained(data)
    let score = try tagger.evaluateRaw(on: corpus(40, seed: 6))
    #expect(score.sentences.f1 > 0.9)
    let bare = try trained(corpus(240, seed: 7, endsWithStops: false))
    // Every text ends a sentence, and no text is lost.
    for text in ["Bo can't swim", "Ada", "Ada came du port Bo can't swim"] {
      let sentences = try bare.cut([text])[0]
      #expect(sentences.last?.words.last?.bytes.upperBound == text.utf8.count)
    }
  }

  /// Whatever the weights say of whatever text, nothing but white space is left out.
  @Test func nothingOfATextIsLost() throws {
    let paragraphs = corpus(20, seed: 1).paragraphsToLearn
    let splitter = try Splitter(on: paragraphs, locale: "en", seed: 5)
    var numbers = TestNumbers(seed: 11)
    let alphabet = Array("aZ9 .\n\t'é\u{301}\u{FE0F}日本ไท🚀👩‍👩‍👧\u{A0}\u{3000}\u{2028}\r\u{200B}-!").map(
      String.init)
    for length in [1, 2, 5, 40, 2600] {
      for _ in 0..<6 {
        let text = (0..<length).map { _ in alphabet[numbers.integer(0...alphabet.count - 1)] }
          .joined()
        let words = try splitter.cut([text], threads: 1)[0].flatMap(\.words)
        func solid(_ text: String) -> [Unicode.Scalar] {
          text.unicodeScalars.filter { !$0.properties.isWhitespace }
        }
        #expect(words.flatMap { solid($0.text) } == solid(text), "\(text.debugDescription)")
        #expect(
          zip(words, words.dropFirst()).allSatisfy { $0.bytes.upperBound <= $1.bytes.lowerBound })
        #expect(words.allSatisfy { !$0.bytes.isEmpty })
      }
    }
  }

  @Test func paragraphsAreWhatEmptyLinesPart() {
    func paragraphs(_ text: String) -> [String] {
      let bytes = Array(text.utf8)
      return Paragraphs.ranges(of: bytes).map { String(decoding: bytes[$0], as: UTF8.self) }
    }
    #expect(paragraphs("") == [] && paragraphs("\n \r\n") == [])
    #expect(paragraphs("a\nb") == ["a\nb"])
    #expect(paragraphs("\n\na\r\nb\r\n \t\r\n\nc\n") == ["a\r\nb\r", "c"])
  }

  @Test func wordsOfATokenAreCapitalisedAsItIs() {
    let expansions = Expansions(words: ["du": ["de", "le"], "dont": ["do", "nt"]])
    #expect(expansions.words(of: "du") == ["de", "le"])
    #expect(expansions.words(of: "Du") == ["De", "le"])
    #expect(expansions.words(of: "DU") == ["DE", "LE"])
    #expect(expansions.words(of: "DoNT") == ["Do", "NT"])
    #expect(expansions.words(of: "dun") == nil)
  }
}
