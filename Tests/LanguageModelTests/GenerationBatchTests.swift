import Foundation
import MajorTom
import TestSupport
import Testing

@testable import LanguageModel

@Suite struct GenerationBatchTests {
  /// Every option that remembers something.
  private static let settings: [GenerationOptions] = [
    .init(length: 60), .init(temperature: 1.5, topP: 0.9, length: 45),
    .init(repetitionPenalty: 1.3, frequencyPenalty: 0.2, penaltyWindow: 9, length: 50),
    .init(temperature: 1, mirostat: 2, length: 70), .init(typicalP: 0.8, length: 30, stops: ["e"]),
    .init(length: 0), .init(temperature: 0, length: 20),
  ]
  private static let prompts = [
    "the ", "", "a cat sat", String(repeating: "on the mat ", count: 60),
  ]

  private func trained(_ kind: CellKind = .lstm, updates: Int = 60) throws -> LanguageModel {
    let data = try Prepared(sampleText(symbols: 5000))
    var model = try LanguageModel(smallConfiguration(kind), vocabulary: data.vocabulary)
    try model.train(on: data.symbols, options(updates: updates))
    return model
  }

  private func requests(_ model: LanguageModel) throws -> [(Generation, String)] {
    try (0..<31).map { number in
      let options = Self.settings[number % Self.settings.count]
      let prompt = Self.prompts[number % Self.prompts.count]
      let text = try Generation(model, after: prompt, options, seed: UInt64(number))
      return (text, text.joined())
    }
  }

  /// Each text is the same, byte for byte, alone and among others that come and go.
  @Test(arguments: [CellKind.lstm, .gru, .timeDelay, .elman], [5, Int.max])
  func aTextDependsOnNothingBesideIt(kind: CellKind, promptTokens: Int) throws {
    let model = try trained(kind)
    for precision in [ProductPrecision.float32, .bfloat16, .int8] {
      var model = model
      model.use(precision)
      let requests = try requests(model)
      let batch = GenerationBatch(model, capacity: 11)
      var texts = Array(repeating: "", count: requests.count)
      var (begun, over, most) = (0, 0, 0)
      while over < requests.count {
        // Newcomers join one by one, at any step.
        if begun < requests.count, batch.count < batch.capacity {
          #expect(batch.add(requests[begun].0) == begun)
          begun += 1
        }
        for step in batch.next(promptTokens: promptTokens) {
          texts[step.text] += step.piece
          #expect(step.failure == nil)
          if step.isOver { over += 1 }
        }
        most = max(most, batch.count)
      }
      #expect(batch.count == 0 && most > 5)
      #expect(texts == requests.map(\.1), "\(precision)")
    }
  }

  /// However many texts with shorter prompts come, one with a long prompt is read and begins.
  @Test func aLongPromptIsNotOvertakenForEver() throws {
    let model = try trained(updates: 5)
    let batch = GenerationBatch(model, capacity: 4)
    let long = batch.add(
      try Generation(
        model, after: String(repeating: "on the mat ", count: 40), .init(length: 3), seed: 1))
    var hasBegun = false
    for round in 0..<400 where !hasBegun {
      while batch.count < batch.capacity {
        batch.add(
          try Generation(model, after: "on the mat on the", .init(length: 1), seed: UInt64(round)))
      }
      hasBegun = batch.next(promptTokens: 16).contains { $0.text == long }
    }
    #expect(hasBegun)
  }

  @Test func aTextThatIsTakenAwayLeavesTheOthersAsTheyAre() throws {
    let model = try trained()
    let batch = GenerationBatch(model, capacity: 3)
    let texts = try (0..<3).map { try Generation(model, .init(length: 40), seed: $0) }
    for text in texts { batch.add(text) }
    var written = ["", "", ""]
    var steps = 0
    while batch.count > 0 {
      for step in batch.next() { written[step.text] += step.piece }
      steps += 1
      if steps == 10 { batch.remove(0) }
    }
    #expect(written[1] == texts[1].joined() && written[2] == texts[2].joined())
    #expect(!written[0].isEmpty && texts[0].joined().hasPrefix(written[0]))
    #expect(written[0] != texts[0].joined())
  }

  /// A state that went through a file goes on with the bytes of a text that was never interrupted.
  @Test(arguments: [CellKind.lstm, .timeDelay, .gru]) func aStateGoesOnAsIfNothingHadHappened(
    kind: CellKind
  ) throws {
    let model = try trained(kind)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("state").path
    for var options in Self.settings where options.length != 0 {
      for first in [0, 1, 17, 25] {
        options.length = 50
        let whole = try Generation(model, after: "the dog ", options, seed: 4).joined()
        options.length = first
        var begun = try Generation(model, after: "the dog ", options, seed: 4)
        begun.keepsEnd = true
        var text = ""
        while let piece = begun.next() { text += piece }
        try TextState(begun, notes: ["temperature": ["1"]]).write(to: path)
        let state = try TextState(contentsOf: path, of: model)
        #expect(state.seed == 4 && state.notes == ["temperature": ["1"]])
        options.length = 50 - first
        let rest = try Generation(model, from: state, options)
        // A text that met its stop has ended; what goes on then is another one.
        if options.stops.isEmpty || !text.isEmpty && whole.hasPrefix(text) && whole != text {
          #expect(text + rest.joined() == whole, "\(options), \(first)")
        }
        // Other seeds go other ways from the same place, and the same seed the same way.
        let forks = try (10..<12).map {
          try Generation(model, from: state, after: "and", options, seed: $0).joined()
        }
        let again = try Generation(model, from: state, after: "and", options, seed: 10).joined()
        #expect(forks[0] == again)
        if options.temperature > 1 { #expect(forks[0] != forks[1]) }
      }
    }
    let other = try trained(kind == .gru ? .lstm : .gru)
    #expect(throws: LanguageModelError.otherModel(path: path)) {
      try TextState(contentsOf: path, of: other)
    }
  }

  /// Half of a character, and what may begin a stop string, wait in the state.
  @Test func whatIsNotCertainIsKeptInTheState() throws {
    let text = String(repeating: "日本語とモデル。", count: 200)
    let corpus = Corpus(text: text)
    var tokens = LanguageModel.TokenOptions()
    tokens.unit = .byte
    var model = try LanguageModel(on: corpus, smallConfiguration(), tokens: tokens)
    try model.train(on: EncodedCorpus(corpus, vocabulary: model.vocabulary), options(updates: 80))
    let whole = try Generation(model, .init(length: 40), seed: 2).joined()
    for first in 1..<12 {
      var begun = try Generation(model, .init(length: first), seed: 2)
      begun.keepsEnd = true
      let start = Array(begun)
      var text = begun
      while text.next() != nil {}
      let rest = try Generation(model, from: TextState(text), .init(length: 40 - first))
      #expect(start.joined() + rest.joined() == whole)
    }
  }

  /// Against a search for every stretch.
  @Test(arguments: [6, 10]) func nothingOfTheTrainingTextIsWrittenAgain(length: Int) throws {
    let model = try trained(updates: 400)
    let corpusText = sampleText(symbols: 5000)
    let corpus = Corpus(text: corpusText)
    let index = try model.verbatimIndex(of: corpus, length: length)
    let free = try Generation(model, after: "the", .init(temperature: 0.3, length: 300), seed: 1)
      .joined()
    let text = try Generation(
      model, after: "the", .init(temperature: 0.3, avoiding: index, length: 300), seed: 1
    ).joined()
    func copies(_ text: String) -> Int {
      let symbols = Array("the" + text)
      return (0...symbols.count - length).count {
        corpusText.contains(String(symbols[$0..<$0 + length]))
      }
    }
    #expect(copies(free) > 20)
    #expect(copies(text) == 0)
    #expect(throws: LanguageModelError.noStretch(0)) {
      try model.verbatimIndex(of: corpus, length: 0)
    }
  }

  /// Against the longest common substrings, found by trying all.
  @Test func theLongestCopiedPassagesAreFound() throws {
    let model = try trained()
    let corpusText = sampleText(symbols: 1500)
    let corpus = Corpus(text: corpusText)
    let own = Array(corpusText)
    let text =
      "xyz " + String(own[200..<260]) + "QQ" + String(own[900..<935]) + "ZZ" + String(own[10..<18])
    let found = try model.passages(of: text, copiedFrom: corpus, ofAtLeast: 9, atMost: 9)
    let symbols = Array(text)
    for passage in found {
      let piece = String(symbols[passage.range])
      #expect(piece == passage.text)
      #expect(String(own[passage.origin..<passage.origin + passage.range.count]) == piece)
      // It is as long as it can be at its end.
      if passage.range.upperBound < symbols.count, passage == found.first {
        #expect(!corpusText.contains(piece + String(symbols[passage.range.upperBound])))
      }
    }
    var longest = 0
    for start in symbols.indices {
      var length = longest
      while start + length < symbols.count,
        corpusText.contains(String(symbols[start..<start + length + 1]))
      { length += 1 }
      longest = max(longest, length)
    }
    #expect(found.first?.range.count == longest && longest >= 60)
    #expect(found.count >= 2 && found[1].range.count >= 35)
    for (one, other) in zip(found, found.dropFirst()) { #expect(!one.range.overlaps(other.range)) }
  }
}
