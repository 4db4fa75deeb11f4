import Files
import Testing
import Training

private enum Colour: String, CaseIterable, Sendable { case red, green }

/// A row of each type.
private struct Sample: HyperparameterSet {
  var size = 4
  var limit: Int?
  var ratio = 0.5
  var isOn = false
  var colour = Colour.red
  var name = "en"
  var steps: [Int]?

  static let hyperparameters: [Hyperparameter<Sample>] = [
    .integer("size", \.size, in: 1...9, "Size", .network, formerly: "hiddenSize"),
    .optionalInteger("limit", \.limit, in: 2...8, "Limit", .text, automatic: "none"),
    .probability("ratio", \.ratio, "Ratio", .regularization),
    .flag("on", \.isOn, "Whether", .network),
    .choice("colour", \.colour, "COLOUR", "Colour", .network),
    .text("name", \.name, "NAME", "Name", .text),
    .optionalIntegers("steps", \.steps, in: 16...1000, "N,...", "Steps", .network),
  ]
  static let retiredNames: Set = ["gone"]

  func checkTogether() throws(HyperparameterError) {
    if isOn, size == 9 {
      throw HyperparameterError(name: "on", found: "with size 9", reason: "too large")
    }
  }
}

@Suite struct HyperparameterTests {
  private func read(_ json: String) throws -> Sample { try JSON.value(from: json.utf8) }

  @Test func theTableMakesTheJSON() throws {
    var sample = Sample()
    #expect(
      JSON.text(of: sample)
        == #"{"colour":"red","name":"en","on":false,"ratio":0.5,"size":4}"#)
    sample.limit = 3
    sample.steps = [20, 300]
    sample.colour = .green
    #expect(try read(JSON.text(of: sample)) == sample)
  }

  /// Numbers that are not finite stand as texts in JSON, but not every such text means a number.
  @Test(arguments: ["NaN", "Infinity", "-Infinity", "1", "true", ""])
  func anyTextIsReadAsItIsWritten(text: String) throws {
    var sample = Sample()
    sample.name = text
    #expect(try read(JSON.text(of: sample)) == sample)
  }

  @Test func oldNamesAreReadAndRetiredOnesPassedOver() throws {
    let sample = try read(#"{"hiddenSize":7,"gone":[1],"limit":null}"#)
    #expect(sample.size == 7 && sample.ratio == 0.5 && sample.limit == nil)
  }

  @Test(arguments: [
    (#"{"size":0}"#, "size 0: expected a whole number from 1 to 9"),
    (#"{"size":1.5}"#, "size 1.5: expected a whole number from 1 to 9"),
    (#"{"size":"4"}"#, "size 4: expected a whole number from 1 to 9"),
    (#"{"ratio":1}"#, "ratio 1: expected a number from 0.0 to 0.99"),
    (#"{"colour":"blue"}"#, "colour blue: expected one of red, green"),
    (#"{"steps":[30,20]}"#, "steps 30,20: expected rising numbers from 16, such as 2000,8000"),
    (#"{"other":1}"#, "other: this version does not know it"),
    (#"{"on":true,"size":9}"#, "on with size 9: too large"),
  ])
  func whatCannotBeIsRefusedWithASentence(_ json: String, _ sentence: String) {
    let error = #expect(throws: HyperparameterError.self) { try read(json) }
    #expect(error?.description == sentence)
  }

  @Test func typedTextsAreParsedByTheSameRanges() throws {
    var sample = Sample()
    func set(_ name: String, _ text: String) throws {
      let row = try #require(Sample.hyperparameters.first { $0.name == name })
      try row.set(&sample, toText: text)
    }
    try set("size", "8")
    try set("ratio", "0")
    try set("colour", "green")
    try set("steps", "16,64")
    #expect(sample.size == 8 && sample.ratio == 0 && sample.colour == .green)
    #expect(sample.steps == [16, 64])
    for (name, text) in [("size", "ten"), ("size", "10"), ("ratio", "nan"), ("steps", "16,,20")] {
      #expect(throws: HyperparameterError.self) { try set(name, text) }
    }
  }

  @Test func helpSaysChoicesAndDefaults() {
    let help = Sample.hyperparameters.map { $0.help(defaultsFrom: Sample()) }
    #expect(help[0] == "Size (default: 4)")
    #expect(help[1] == "Limit (default: none)")
    #expect(help[3] == "Whether")
    #expect(help[4] == "Colour: red, green (default: red)")
    #expect(help[6] == "Steps")
  }

  @Test func hostileOptionsAreRefused() {
    for json in [
      #"{"batch":0}"#, #"{"steps":-4}"#, #"{"shards":0}"#, #"{"batch":4,"shards":5}"#,
      #"{"validation":2}"#, #"{"clip":0}"#, #"{"seed":-1}"#,
    ] {
      #expect(throws: HyperparameterError.self, "\(json)") {
        let _: TrainingOptions = try JSON.value(from: json.utf8)
      }
    }
  }
}
