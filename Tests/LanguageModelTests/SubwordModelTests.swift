import Foundation
import MajorTom
import Testing

@testable import LanguageModel

@Suite struct SubwordModelTests {
  private func model() throws -> (LanguageModel, EncodedCorpus, String) {
    let text = sampleText(symbols: 6000)
    let (vocabulary, symbols) = try Corpus(text: text).encoded(
      by: Segmentation(unit: .subword), maximumSize: 320)
    var model = try LanguageModel(smallConfiguration(), vocabulary: vocabulary)
    try model.train(on: symbols, options(updates: 8))
    return (model, symbols, text)
  }

  @Test func learnsIsWrittenIsReadAndWrites() throws {
    let (model, symbols, text) = try model()
    #expect(model.vocabulary.count > 280 && symbols.count < text.count)
    let path = temporaryPath("subwords.safetensors")
    defer { FileWriter.remove(path) }
    try model.write(to: path)
    let read = try LanguageModel(contentsOf: path)
    #expect(read.vocabulary == model.vocabulary && bits(read) == bits(model))
    for seed in 1...3 as ClosedRange<UInt64> {
      // Hot, so that bytes in no order come too; what streams is text all the same.
      let pieces = read.generate(
        after: "the cat", .init(temperature: 3, length: 200), seed: seed)
      var whole = ""
      for piece in pieces {
        #expect(!piece.isEmpty)
        whole += piece
      }
      #expect(!whole.isEmpty && String(validating: Array(whole.utf8), as: UTF8.self) != nil)
    }
  }

  @Test func bitsAByteAreOfTheBytesOfPieces() throws {
    let (model, symbols, text) = try model()
    let result = try model.evaluate(on: symbols, protocol: .carried)
    let first = model.vocabulary.byteCount(of: symbols[0])
    #expect(result.tokens == symbols.count - 1)
    #expect(result.bytes == text.utf8.count - first)
    let expected = result.nats / log(2) / Double(text.utf8.count - first)
    #expect(abs(result.bitsPerByte - expected) < 1e-12)
  }

  @Test func wordStatesAreOneAWord() throws {
    let (model, _, _) = try model()
    let states = try model.wordStates(of: [["the", "cat", "läuft"], ["猫は"]])
    #expect(states.count == 4 * model.wordStateSize)
    #expect(states.allSatisfy { $0.isFinite })
  }

  @Test func damagedMergesInAModelFileAreRefusedWithASentence() throws {
    let (model, _, _) = try model()
    let path = temporaryPath("damaged.safetensors")
    defer { FileWriter.remove(path) }
    try model.write(to: path)
    // The file is sound: only the list of merges is wrong.
    let merge = try #require(model.vocabulary.merges.last)
    let old = "[\(merge.left),\(merge.right)]"
    let new = "[\(String(repeating: "9", count: "\(merge.left)".count)),\(merge.right)]"
    var metadata = try SafetensorsFile(contentsOf: path).metadata
    let vocabulary = try #require(metadata["vocabulary"])
    let range = try #require(vocabulary.range(of: old, options: .backwards))
    metadata["vocabulary"] = vocabulary.replacingCharacters(in: range, with: new)
    try SafetensorsFile.write([.init(model.weights.block)], metadata: metadata, to: path)
    let error = #expect(throws: FileError.self) { try LanguageModel(contentsOf: path) }
    #expect(error?.description.contains("of the vocabulary") == true, "\(error.debugDescription)")
  }

  @Test func aVocabularyHasAFileOfItsOwn() throws {
    let vocabulary = try Vocabulary(
      learningMerges: 50, in: Corpus(text: sampleText(symbols: 3000)), normalization: .nfkc)
    let path = temporaryPath("vocabulary.json")
    defer { FileWriter.remove(path) }
    try vocabulary.write(to: path)
    #expect(try Vocabulary(contentsOf: path) == vocabulary)
    #expect(throws: TextError.missing(path: path + "x")) { try Vocabulary(contentsOf: path + "x") }
    for (text, part) in [
      ("{}", "no vocabulary"), ("[1", "no vocabulary"),
      (
        #"{"segmentation":{"unit":"subword","normalization":"none","locale":"en"},"#
          + #""symbols":["ab"],"merges":[[97,300]]}"#, "Merge 0 of the vocabulary"
      ),
      (
        #"{"segmentation":{"unit":"subword","normalization":"none","locale":"xx-no"},"#
          + #""symbols":[]}"#, "xx-no"
      ),
    ] {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      let error = #expect(throws: FileError.self) { try Vocabulary(contentsOf: path) }
      #expect(error?.description.contains(part) == true)
    }
    let error = #expect(throws: FileError.self) { try vocabulary.write(to: "/none/at/all") }
    #expect(error?.description.contains("cannot be written") == true)
  }
}
