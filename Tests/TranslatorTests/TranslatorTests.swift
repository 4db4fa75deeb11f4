import Cells
import DenseMath
import Foundation
import ICUText
import Parameters
import TestSupport
import Testing
import Training

@testable import Translator

/// Digits, and the same digits in words from the last to the first: a task that needs looking.
private func pairs(_ count: Int, seed: UInt64, most: Int = 5) -> ParallelCorpus {
  var numbers = TestNumbers(seed: seed)
  let words = ["nil", "one", "two", "tri", "for"]
  return ParallelCorpus(
    (0..<count).map { _ in
      let digits = (0..<numbers.integer(1...most)).map { _ in numbers.integer(0...4) }
      return SentencePair(
        source: digits.map(String.init).joined(),
        target: digits.reversed().map { words[$0] }.joined(separator: " "))
    })
}

private func smallConfiguration(
  _ attention: Translator.AttentionKind = .general
) -> Translator.Configuration {
  var configuration = Translator.Configuration()
  configuration.hiddenSize = 32
  configuration.embeddingSize = 16
  configuration.attention = attention
  configuration.dropout = 0.1
  configuration.inputDropout = 0
  return configuration
}

private func translator(
  _ configuration: Translator.Configuration, _ text: ParallelCorpus
) throws -> Translator {
  try Translator(
    configuration, source: text.vocabulary(of: \.source, Segmentation()),
    target: text.vocabulary(of: \.target, Segmentation()))
}

private func options(
  epochs: Double, _ change: (inout TestRun) -> Void = { _ in }
) -> TestRun {
  var test = TestRun(Translator.defaultOptions, .epochs(epochs), warmUp: 10)
  (test.options.batch, test.options.validation) = (16, 0)
  change(&test)
  return test
}

@Suite struct TranslatorTests {
  /// Encoder both ways, bridge, decoder, attention, tied and untied scores, smoothing, dropout:
  /// every gradient of the whole network, over pairs whose sides have different orders of length.
  @Test(arguments: Translator.AttentionKind.allCases, [CellKind.lstm, .gru])
  func gradientsOfTheWholeNetworkMatchCentralDifferences(
    attention: Translator.AttentionKind, cell: CellKind
  ) {
    for (ties, feeds, cutoffs) in [
      (false, false, nil), (true, true, nil), (true, false, nil), (false, true, [4, 6]),
    ] as [(Bool, Bool, [Int]?)] {
      var configuration = Translator.Configuration()
      configuration.cell = cell
      // Two layers with input feeding and without, and one of each.
      configuration.layers = ties == feeds ? 2 : 1
      configuration.hiddenSize = 4
      configuration.embeddingSize = ties || attention == .dot ? 4 : 3
      configuration.attention = attention
      configuration.dropout = 0.2
      configuration.inputDropout = 0.2
      configuration.labelSmoothing = 0.1
      configuration.tiesEmbeddings = ties
      configuration.feedsInput = feeds
      configuration.cutoffs = cutoffs
      let network = TranslatorNetwork(configuration, sourceTokens: 6, targetTokens: 7)
      let parameters = Parameters<Double>(network.layout)
      // Large weights, so that no gradient is so small that a difference would be all rounding.
      var numbers = TestNumbers(seed: 3)
      for entry in network.layout.entries {
        for place in parameters.elements(of: entry).indices {
          parameters.base[entry.offset + place] = 1.2 * numbers.next()
        }
      }
      let packed = PackedWeights<Double>(network.layout, forTraining: true)
      let workspace = Workspace(parameters, packed: packed, forTraining: true)
      let pairs = TranslatorNetwork.Pairs(
        sources: [[1, 5], [2, 3, 4, 5], [5], [0, 1, 5]],
        inputs: [[5, 1, 2, 3], [5, 0], [5, 4, 4], [5]],
        targets: [[1, 2, 3, 6], [0, 6], [4, 4, 6], [6]])
      let random = CounterRandom(seed: 2, stream: .dropout)
      let masks = (
        source: Dropout.Masks(random, step: 1, firstLane: 0),
        target: Dropout.Masks(random, step: 1, firstLane: 1 << 23)
      )
      func loss() -> Double {
        packed.load(parameters, on: Shards(threads: 1))
        workspace.reset()
        var smoothed = 0.0
        _ = network.loss(
          pairs, masks: masks, scale: 0.25, withGradients: true, smoothed: &smoothed, on: workspace)
        return 0.25 * smoothed
      }
      for (name, error) in worstGradientErrors(of: parameters, on: workspace, loss: { _ in loss() })
      {
        #expect(error < 1e-7, "\(name), ties: \(ties), feeds: \(feeds), \(cutoffs ?? [])")
      }
    }
  }

  @Test func aTableThatIsTheOutputTooIsNotRowSparse() {
    for ties in [false, true] {
      var configuration = Translator.Configuration()
      configuration.tiesEmbeddings = ties
      let network = TranslatorNetwork(configuration, sourceTokens: 9000, targetTokens: 9000)
      let entries = network.layout.entries
      #expect(entries[network.encoder.embedding.table.index].isRowSparse)
      #expect(entries[network.decoder.embedding.table.index].isRowSparse != ties)
    }
  }

  // Some letters are in the group of rare symbols.
  @Test(arguments: [(false, nil), (true, nil), (false, [112])] as [(Bool, [Int]?)])
  func itLearnsToTranslateWhatItNeverSaw(feedsInput: Bool, cutoffs: [Int]?) throws {
    var configuration = smallConfiguration()
    configuration.feedsInput = feedsInput
    configuration.cutoffs = cutoffs
    let training = pairs(1200, seed: 1)
    let seen = Set(training.pairs)
    let fresh = ParallelCorpus(pairs(200, seed: 2).pairs.filter { !seen.contains($0) })
    #expect(fresh.pairs.count > 30)
    var translator = try translator(configuration, training)
    try translator.train(
      on: training, validation: fresh,
      options(epochs: feedsInput ? 60 : 40) { $0.options.rate = 5e-3 })
    let sources = fresh.pairs.map(\.source)
    var search = Translator.Search()
    search.keepsAttention = true
    let greedy = try translator.translate(sources, search)
    let right = zip(greedy, fresh.pairs).count { $0[0].text == $1.target }
    #expect(Double(right) > 0.9 * Double(sources.count))
    // A wider beam finds translations that are at least as likely in sum, and sorts them.
    let wide = try translator.translate(
      sources, Translator.Search(beam: 4, lengthPower: 0, best: 4))
    let (one, four) = (
      greedy.reduce(0) { $0 + $1[0].logProbability }, wide.reduce(0) { $0 + $1[0].logProbability }
    )
    #expect(four >= one - 1e-6)
    for list in wide {
      #expect(list.count == 4 && Set(list.map(\.text)).count == 4)
      #expect(zip(list, list.dropFirst()).allSatisfy { $0.logProbability >= $1.logProbability })
    }
    // The score of a translation is that of reading it back, and of its sentence alone.
    let given = ParallelCorpus([.init(source: sources[0], target: greedy[0][0].text)])
    #expect(
      abs(try translator.logProbabilities(of: given)[0] - greedy[0][0].logProbability) < 1e-3)
    #expect(try translator.translate(sources[0]) == greedy[0][0].text)
    // The weights of what was looked at are fractions, one row for each token and the end.
    let shown = greedy[0][0]
    #expect(shown.attention.count == shown.written.count + 1)
    for row in shown.attention {
      #expect(row.count == sources[0].count + 1 && abs(row.reduce(0, +) - 1) < 1e-4)
    }
  }

  @Test func resultsDoNotDependOnThreadsAndARunIsResumedExactly() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (training, validation) = (pairs(100, seed: 1), pairs(20, seed: 2))
    func run(
      _ name: String, threads: Int, stopAfter: Int? = nil, resumes: Bool = false,
      on text: ParallelCorpus? = nil
    ) throws -> Translator {
      var made = try translator(smallConfiguration(), training)
      var updates = 0
      try made.train(
        on: text ?? training, validation: validation,
        options(epochs: 2) {
          $0.run.threads = threads
          $0.run.files = RunFiles(
            model: folder.appendingPathComponent(name).path, resumes: resumes)
        },
        report: { if case .update = $0 { updates += 1 } },
        isStopped: { stopAfter.map { updates >= $0 } ?? false })
      return made
    }
    let whole = try run("one", threads: 1)
    let other = try run("two", threads: 2)
    _ = try run("parts", threads: 2, stopAfter: 5)
    // The same pairs in another order are other data.
    let turned = ParallelCorpus(training.pairs.reversed())
    #expect(throws: TrainingError.self) {
      try run("parts", threads: 2, resumes: true, on: turned)
    }
    let resumed = try run("parts", threads: 1, resumes: true)
    let bits = [whole, other, resumed].map(\.weightBits)
    #expect(bits[0] == bits[1] && bits[0] == bits[2])
    let read = try Translator(contentsOf: folder.appendingPathComponent("one").path)
    let sources = validation.pairs.map(\.source)
    #expect(try read.translate(sources, threads: 1) == whole.translate(sources, threads: 2))
  }

  /// A model that has hardly learnt writes the same over and over, unless it may not.
  @Test(arguments: [1, 2, 3]) func noNGramIsWrittenTwice(length: Int) throws {
    let text = pairs(20, seed: 1)
    var translator = try translator(smallConfiguration(), text)
    try translator.train(on: text, options(epochs: 3))
    func rows(_ symbols: [String]) -> [ArraySlice<String>] {
      guard symbols.count >= length else { return [] }
      // Bytes that are no text look alike.
      return (length...symbols.count).map { symbols[$0 - length..<$0] }.filter {
        !$0.contains("\u{FFFD}") && !$0.contains("")
      }
    }
    for beam in [1, 3] {
      var search = Translator.Search(beam: beam, best: beam)
      let free = try translator.translate(text.pairs.map(\.source), search)
      #expect(free.joined().contains { Set(rows($0.written)).count < rows($0.written).count })
      search.noRepeatNGram = length
      for translation in try translator.translate(text.pairs.map(\.source), search).joined() {
        let written = rows(translation.written)
        #expect(Set(written).count == written.count, "\(translation.text)")
      }
    }
  }

  @Test func translationsAreOrderedByProbabilityLengthAndCoverage() throws {
    let text = pairs(200, seed: 1)
    var translator = try translator(smallConfiguration(), text)
    try translator.train(on: text, options(epochs: 8))
    var search = Translator.Search(beam: 5, lengthPower: 0.7, best: 5)
    search.keepsAttention = true
    var orders: [[[String]]] = []
    for coverage in [0.0, 8.0] {
      search.coverage = coverage
      let found = try translator.translate(text.pairs.map(\.source), search)
      for list in found {
        let values = list.map { translation in
          let missed = (0..<translation.read.count).reduce(0.0) { sum, place in
            let looked = translation.attention.reduce(0.0) { $0 + Double($1[place]) }
            return sum + log(min(1, max(0.01, looked)))
          }
          let length = pow(Double(translation.written.count + 1), 0.7)
          return translation.logProbability / length + coverage * missed
        }
        #expect(zip(values, values.dropFirst()).allSatisfy { $0 >= $1 - 1e-4 })
      }
      orders.append(found.map { $0.map(\.text) })
    }
    #expect(orders[0] != orders[1])
  }

  @Test func whatIsNoSentenceByItsLengthIsRefused() throws {
    let made = try translator(smallConfiguration(.additive), pairs(20, seed: 1))
    func sentence(_ body: () throws -> Void) -> String {
      do {
        try body()
        return ""
      } catch { return "\(error)" }
    }
    let long = String(repeating: "1", count: 60_000)
    #expect(
      sentence { _ = try made.translate(long) }
        == "The text that begins \"\(long.prefix(40))\" has 60000 tokens, and a sentence has at most 50000; cut it into sentences."
    )
    let pair = ParallelCorpus([SentencePair(source: "1", target: long)])
    #expect(sentence { _ = try made.loss(on: pair) }.contains("has at most 16384"))
    #expect(sentence { _ = try made.logProbabilities(of: pair) }.contains("has at most 16384"))
    // Each of 3,000 tokens looks at 3,000: with all pairs kept at once that would be 1.2 GB.
    let square = SentencePair(
      source: String(repeating: "2", count: 3000), target: String(repeating: "3", count: 3000))
    #expect(try made.logProbabilities(of: ParallelCorpus([square]))[0] < 0)
  }

  @Test func oddTextsAreTranslated() throws {
    let training = pairs(60, seed: 1)
    for attention in Translator.AttentionKind.allCases {
      var configuration = smallConfiguration(attention)
      configuration.reversesSource = true
      configuration.cell = .gru
      var made = try translator(configuration, training)
      try made.train(on: training, options(epochs: 1))
      let texts = ["", "12", "漢字 🚀", String(repeating: "3", count: 400), "\u{301}", " "]
      for beam in [1, 3] {
        let found = try made.translate(texts, Translator.Search(beam: beam))
        #expect(found.map(\.count) == texts.map { _ in 1 } && found[0][0].text == "")
      }
    }
  }
}
