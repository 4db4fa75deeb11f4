import Foundation
import MajorTom
import TestSupport
import Testing

@testable import LanguageModel

@Suite struct InspectionTests {
  private func trained() throws -> (LanguageModel, [Int]) {
    let data = try Prepared(sampleText(symbols: 5000))
    var model = try LanguageModel(smallConfiguration(), vocabulary: data.vocabulary)
    try model.train(on: data.symbols, options(updates: 60))
    return (model, try model.pieces(of: sampleText(symbols: 700, seed: 2)).ids)
  }

  /// The six equations of the LSTM, checked on what the model is seen to do, across the places where
  /// reading goes on from a carried state.
  @Test func signalsObeyTheEquationsOfTheCell() throws {
    let (model, symbols) = try trained()
    #expect(model.signals == ["c", "h", "i", "f", "g", "o"])
    let units = [LanguageModel.Unit(layer: 1, number: 2), LanguageModel.Unit(layer: 1, number: 5)]
    let signals = try Dictionary(
      uniqueKeysWithValues: model.signals.map {
        ($0, try model.activations(of: units, signal: $0, in: symbols))
      })
    for unit in units.indices {
      func at(_ name: String, _ step: Int) -> Double {
        step < 0 ? 0 : Double(signals[name]?[unit][step] ?? .nan)
      }
      for step in symbols.indices {
        let cell = at("f", step) * at("c", step - 1) + at("i", step) * at("g", step)
        #expect(abs(at("c", step) - cell) < 1e-5)
        #expect(abs(at("h", step) - at("o", step) * tanh(cell)) < 1e-5)
      }
    }
  }

  @Test func unitsAreRankedByPearsonsCorrelation() throws {
    let (model, symbols) = try trained()
    let property = symbols.indices.map { Double($0 % 7) }
    let ranked = try model.units(following: property, signal: "h", in: symbols)
    let size = model.configuration.hiddenSize * model.configuration.layers
    #expect(Set(ranked.map(\.unit)).count == size)
    let values = try model.activations(of: ranked.map(\.unit), signal: "h", in: symbols)
    func mean(_ numbers: [Double]) -> Double { numbers.reduce(0, +) / Double(numbers.count) }
    var last = 1.0
    for (place, (_, correlation)) in ranked.enumerated() {
      let x = values[place].map(Double.init)
      let (mx, my) = (mean(x), mean(property))
      let covariance = mean(zip(x, property).map { ($0 - mx) * ($1 - my) })
      let scale =
        mean(x.map { ($0 - mx) * ($0 - mx) }) * mean(property.map { ($0 - my) * ($0 - my) })
      #expect(abs(covariance / scale.squareRoot() - correlation) < 1e-9)
      #expect(abs(correlation) <= last)
      last = abs(correlation)
    }
    // Several properties at once are what they are one by one.
    let parity = symbols.indices.map { Double($0 % 2) }
    let both = try model.units(followingEach: [parity, property], signal: "h", in: symbols)
    #expect(both.count == 2 && both[1].map(\.unit) == ranked.map(\.unit))
    #expect(both[1].map(\.correlation) == ranked.map(\.correlation))
    #expect(
      try both[0].map(\.correlation)
        == model.units(following: parity, signal: "h", in: symbols).map(\.correlation))
    let constant = try model.units(
      following: symbols.map { _ in 3 }, signal: "c", in: symbols)
    #expect(constant.allSatisfy { $0.correlation == 0 })
  }

  /// The layers of a sliding window differ: only the lowest has a gate for each place.
  @Test(arguments: [2, 5]) func signalsAreOfALayer(window: Int) throws {
    let data = try Prepared(sampleText(symbols: 600))
    var configuration = smallConfiguration(.window)
    configuration.window = window
    let model = try LanguageModel(configuration, vocabulary: data.vocabulary)
    let gates = (0..<window).map { "x\($0)" }
    // With a window of two, what the lowest layer keeps is one vector, as the c of an LSTM is.
    #expect(model.signals(ofLayer: 1) == (window == 2 ? ["c", "h"] : ["h"]) + gates)
    #expect(model.signals(ofLayer: 2) == ["h", "x0"])
    #expect(model.signals == ["h", "x0"])
    #expect(model.signals(ofLayer: 0).isEmpty && model.signals(ofLayer: 3).isEmpty)
    let ids = Array(0..<200)
    let units = [LanguageModel.Unit(layer: 2, number: 3), .init(layer: 1, number: 3)]
    for missing in ["c", "x1"] {
      #expect(throws: LanguageModelError.noSignal(missing, layer: 2, known: ["h", "x0"])) {
        try model.activations(of: units, signal: missing, in: ids)
      }
    }
    #expect(try model.activations(of: units, signal: "x0", in: ids).map(\.count) == [200, 200])
    let ranked = try model.units(
      following: ids.map { Double($0 % 5) }, signal: "x1", in: ids)
    #expect(ranked.count == 24 && ranked.allSatisfy { $0.unit.layer == 1 })
    #expect(throws: LanguageModelError.self) {
      try model.units(following: ids.map { Double($0) }, signal: "x\(window)", in: ids)
    }
  }

  @Test func whatIsNotThereIsNamed() throws {
    let (model, symbols) = try trained()
    #expect(throws: LanguageModelError.self) {
      try model.units(following: symbols.map { _ in 0 }, signal: "z", in: symbols)
    }
    for unit in [(0, 1), (1, 0), (9, 1), (1, 9999)] {
      #expect(throws: LanguageModelError.self) {
        try model.activations(
          of: [LanguageModel.Unit(layer: unit.0, number: unit.1)], signal: "c", in: symbols)
      }
    }
    #expect(throws: LanguageModelError.textTooShort(tokens: 5, needed: 17)) {
      try model.gradientNorms(on: Array(symbols.prefix(5)), length: 16)
    }
    let norms = try model.gradientNorms(on: symbols, length: 16)
    #expect(norms.count == 16 && norms.allSatisfy { $0 > 0 && $0.isFinite })
    #expect(try model.gradientNorms(on: symbols, length: 16, fresh: true) != norms)
  }

  /// The mean surprise is what evaluation measures, in either direction, across the places where reading
  /// goes on from a carried state.
  @Test(arguments: [false, true]) func surprisesAddUpToTheLoss(isBackwards: Bool) throws {
    let data = try Prepared(sampleText(symbols: 3000))
    var model = try LanguageModel(
      smallConfiguration(isBackwards: isBackwards), vocabulary: data.vocabulary)
    try model.train(on: data.symbols, options(updates: 30))
    let ids = (0..<700).map { data.symbols[$0] }
    let found = try model.expectations(of: ids, keeping: 4)
    #expect(found.count == 700 && (isBackwards ? found[699] : found[0]) == nil)
    let known = found.compactMap { $0 }
    #expect(known.count == 699)
    let measured = try model.evaluate(on: data.symbols, range: 0..<700).bitsPerToken
    #expect(abs(known.reduce(0) { $0 + $1.bits } / 699 - measured) < 1e-4 * measured)
    for (id, expectation) in zip(ids, found) {
      guard let expectation else { continue }
      let chances = expectation.likeliest.map(\.probability)
      #expect(chances.count == 4 && chances == chances.sorted(by: >))
      #expect(chances.reduce(0, +) <= 1 + 1e-9)
      let chance = expectation.likeliest.first { $0.id == id }?.probability
      if let chance { #expect(abs(log2(chance) + expectation.bits) < 1e-9) }
      // What is not among the likeliest is more surprising than the last of them.
      if chance == nil { #expect(expectation.bits >= -log2(chances[3]) - 1e-9) }
    }
    #expect(try model.expectations(of: []).isEmpty && model.expectations(of: [3]) == [nil])
  }
}
