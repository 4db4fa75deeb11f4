import Experiments
import MajorTom

/// Checks the gradient of a new cell, learns two tasks of 1997 with it, and trains a language model of it.
@main
enum NewCell {
  static func main() throws {
    let janet = CellKind(JANET.self)
    print(try GradientCheck.demand(janet))

    for task in [Adding(length: 100), EmbeddedReber()] as [any SequenceTask] {
      for outcome in try SelfTest.run(task, cell: janet, seeds: [1, 2, 3]) {
        print("\(task.name), \(outcome)")
      }
    }

    let corpus = try Corpus(contentsOf: ["../../corpora/ships-log.txt"])
    var model = try LanguageModel(on: corpus, .init(cell: janet, hiddenSize: 128))
    try model.train(on: corpus, for: .updates(400), seed: 1) { event in
      if case .validation = event { print(event) }
    }
    // A file keeps the cell's name; who reads it says what that stands for.
    try model.write(to: "janet.safetensors")
    let copy = try LanguageModel(contentsOf: "janet.safetensors", cells: [JANET.self])
    print("Day 1" + copy.generate(after: "Day 1", .init(temperature: 0.6, length: 200)).joined())
  }
}
