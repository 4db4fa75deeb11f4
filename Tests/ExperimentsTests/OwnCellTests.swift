import Cells
import DenseMath
import Experiments
import Parameters
import Testing

/// An Elman network whose input has a gate, h' = tanh(a ∘ σ(slope ∘ b)); wrong where it is told to be.
private struct Gated: RecurrentCell {
  static let name = "gated"
  static let settings = [
    CellSetting("slope", 1, in: 0...4), CellSetting("wrong", 0, in: 0...1, isWhole: true),
  ]

  let slope: Double
  let isWrong: Bool

  init(_ settings: CellSettings) {
    slope = settings["slope"] ?? 1
    isWrong = settings["wrong"] == 1
  }

  var gateNames: [String] { ["a", "b"] }
  var cellVectorCount: Int { 0 }
  var savedCount: Int { 1 }

  func activate<S: Real>(_ step: CellStep<S>, on workspace: Workspace<S>) {
    let (a, b, product) = (step.gate(0), step.gate(1), step.saved)
    S.scale(b, by: S(slope))
    S.sigmoid(b, into: b)
    S.multiply(a, b, into: product)
    S.tanh(product, into: step.next.hidden)
    S.copy(step.next.hidden, into: product)
  }

  func differentiate<S: Real>(
    _ step: CellStep<S>, gradient: CellState<S>, on workspace: Workspace<S>
  ) {
    let (a, b, h) = (step.gate(0), step.gate(1), step.saved)
    S.tanhGradient(gradient.hidden, at: h, into: h)
    S.copy(a, into: step.next.hidden)
    S.multiply(h, b, into: a)
    S.sigmoidGradient(h, times: step.next.hidden, at: b, into: b)
    S.scale(b, by: S(isWrong ? 2 * slope : slope))
  }
}

/// A gated cell that writes into the state before, which it may only read.
private struct Meddling: RecurrentCell {
  static let name = "meddling"
  let gated = Gated([:])
  init(_ settings: CellSettings) {}
  var gateNames: [String] { gated.gateNames }
  var cellVectorCount: Int { 0 }
  var savedCount: Int { 1 }
  func activate<S: Real>(_ step: CellStep<S>, on workspace: Workspace<S>) {
    gated.activate(step, on: workspace)
    S.fill(step.previous.hidden, with: 0)
  }
  func differentiate<S: Real>(
    _ step: CellStep<S>, gradient: CellState<S>, on workspace: Workspace<S>
  ) {
    gated.differentiate(step, gradient: gradient, on: workspace)
  }
}

/// A cell that takes the name of one that is built in.
private struct Impostor: RecurrentCell {
  static let name = "gru"
  init(_ settings: CellSettings) {}
  var gateNames: [String] { ["a"] }
  var cellVectorCount: Int { 0 }
  func activate<S: Real>(_ step: CellStep<S>, on workspace: Workspace<S>) {}
  func differentiate<S: Real>(
    _ step: CellStep<S>, gradient: CellState<S>, on workspace: Workspace<S>
  ) {}
}

/// A cell whose gates and their names do not agree.
private struct Misshapen: RecurrentCell {
  static let name = "misshapen"
  init(_ settings: CellSettings) {}
  var gateNames: [String] { ["a"] }
  var gateCount: Int { 2 }
  var cellVectorCount: Int { 0 }
  func activate<S: Real>(_ step: CellStep<S>, on workspace: Workspace<S>) {}
  func differentiate<S: Real>(
    _ step: CellStep<S>, gradient: CellState<S>, on workspace: Workspace<S>
  ) {}
}

@Suite struct OwnCellTests {
  private func sentence(_ body: () throws -> Void) -> String {
    do {
      try body()
      return ""
    } catch {
      return "\(error)"
    }
  }

  @Test func aCellOfOnesOwnIsCheckedByOneCall() throws {
    let report = try GradientCheck.demand(CellKind(Gated.self, ["slope": 1.5]))
    #expect(report.isSound && report.largestError > 0)
  }

  @Test func aWrongBackwardPassIsToldByCellAndGate() {
    let text = sentence { try GradientCheck.demand(CellKind(Gated.self, ["wrong": 1])) }
    #expect(
      text.hasPrefix(
        "the backward pass is wrong: gradients of gated(wrong=1), one step: largest error "))
    #expect(text.contains(", gate b: ") && text.hasSuffix(" is measured"))
    // The gate beside it is right, and nothing is said of it.
    let report = GradientCheck.stepReport(of: CellKind(Gated.self, ["wrong": 1]), seed: 1)
    let weights = report.differences.filter { $0.weight == "weight_ih_l0" }
    #expect(weights.map(\.gate) == ["b", "a"])
    #expect(weights[0].error > 0.4 && weights[1].error < 1e-7)
  }

  @Test(arguments: CellKind.builtIn)
  func everyCellStaysWithinItsBlocksAndIsDifferentiated(kind: CellKind) throws {
    #expect(try GradientCheck.demand(kind).isSound)
  }

  @Test func aCellThatWritesWhereItMayNotIsTold() {
    #expect(
      sentence { try GradientCheck.demand(CellKind(Meddling.self)) }
        .hasPrefix("the cell meddling cannot be used: it writes beyond step.previous"))
  }

  @Test func aTaskIsLearntByOneCall() throws {
    #expect(throws: CellError.self) {
      try SelfTest.run(Counting(), cell: CellKind(Gated.self, ["slope": 9]), seeds: [1])
    }
    let outcomes = try SelfTest.run(
      Counting(), cell: CellKind(Gated.self), seeds: [1], threads: 1)
    #expect(outcomes.count == 1)
  }

  @Test func namesAndSettingsComeBackFromText() throws {
    let kind = CellKind(Gated.self, ["slope": 0.25])
    #expect("\(kind)" == "gated(slope=0.25)")
    #expect(try CellKind("gated(slope=0.25)", among: [Gated.self]) == kind)
    #expect(
      try (CellKind("gated(slope=0.25)", among: [Gated.self]).makeCell() as? Gated)?.slope == 0.25)
    #expect(try CellKind("lstm(forget-bias=2,input-bias=-3)").makeCell() is LSTM)
    #expect(CellKind.builtIn.allSatisfy { (try? CellKind("\($0)")) == $0 })
  }

  @Test func whatAModelGivesOutOfASettingsRangeIsLeftOut() {
    let given: CellSettings = ["slope": 9]
    #expect((CellKind(Gated.self).makeCell(given) as? Gated)?.slope == 1)
  }

  @Test func settingsOfAModelGoBehindThoseOfTheKind() {
    func bias(_ kind: CellKind, _ given: CellSettings) -> Double? {
      (kind.makeCell(given) as? LSTM)?.forgetBias
    }
    #expect(bias(.lstm, [:]) == 1 && bias(.lstm, ["forget-bias": 3, "window": 8]) == 3)
    #expect(bias(CellKind(LSTM.self, ["forget-bias": 2]), ["forget-bias": 3]) == 2)
  }

  @Test func whatCannotBeMeantIsSaidInASentence() {
    #expect(
      sentence { _ = try CellKind("gated") }.hasPrefix(
        "no cell is called \"gated\" here: known are lstm"))
    for text in ["", "lstm(", "lstm()x", "lstm(a)", "lstm(a=1,a=2)", "lstm(a=nan)", "LSTM", "a b"] {
      #expect(sentence { _ = try CellKind(text) }.contains("names no cell"), "\(text)")
    }
    #expect(
      sentence { _ = try CellKind("lstm(slope=1)") }
        == "the cell lstm has no setting \"slope\": it has forget-bias, input-bias")
    #expect(
      sentence { _ = try CellKind("tdnn(window=2.5)") }
        == "the setting window of the cell tdnn is 2.5: expected a whole number from 1 to 256")
    #expect(
      sentence { try CellKind(Impostor.self).check() }.hasPrefix("two cells are called \"gru\""))
    #expect(
      sentence { _ = try CellKind("gated", among: [Gated.self, Gated.self]) }
        .hasPrefix("two cells are called \"gated\""))
    #expect(
      sentence { try CellKind(Misshapen.self).check() }
        == "the cell misshapen cannot be used: it has 2 gates, and names for 1")
  }
}
