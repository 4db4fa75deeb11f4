import Foundation
import Testing

/// The figures that pages show: each with the script that makes it, and with the golden losses of the
/// day when it was made, the first and the tenth.
///
/// Where those have moved since, the model is another one: the figure is stale, and is made again by its
/// script, or taken out of the page and of `Benchmarks/recipes/figures.json`.
@Suite struct FigureTests {
  struct Figure: Decodable {
    let figure, value, script, place: String
    let golden: [String: [Double]]

    /// The golden losses that are not what they were.
    func moved(from losses: [String: [Double]]) -> [String] {
      golden.keys.sorted().filter { name in
        guard let now = losses[name], let then = golden[name], now.count == 10, then.count == 2
        else {
          return true
        }
        return zip([now[0], now[9]], then).contains { abs($0 - $1) > 1e-4 * abs($1) }
      }
    }
  }

  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  private static func read<Value: Decodable>(_ path: String, as type: Value.Type) throws -> Value {
    try JSONDecoder().decode(type, from: Data(contentsOf: root.appendingPathComponent(path)))
  }

  @Test func noFigureIsStale() throws {
    let figures = try Self.read("Benchmarks/recipes/figures.json", as: [Figure].self)
    let losses = try Self.read(
      "Tests/GoldenTests/Fixtures/golden.json", as: [String: [Double]].self)
    #expect(figures.count > 10)
    for figure in figures {
      let moved = figure.moved(from: losses)
      #expect(
        moved.isEmpty,
        "\(figure.figure), \(figure.value): stale, as \(moved) moved: \(figure.script) makes it anew"
      )
      #expect(!figure.golden.isEmpty, "\(figure.figure) names no golden losses")
      let script = Self.root.appendingPathComponent(figure.script).path
      #expect(FileManager.default.isExecutableFile(atPath: script), "\(figure.script)")
      let page = try String(
        contentsOf: Self.root.appendingPathComponent(figure.place), encoding: .utf8)
      #expect(page.contains(figure.value), "\(figure.place) does not show \(figure.value)")
    }
  }

  @Test func aFigureWhoseLossesMovedIsFound() throws {
    let losses = [
      "lm": [3.0, 2, 2, 2, 2, 2, 2, 2, 2, 1.5], "tagger": [Double](repeating: 1, count: 10),
    ]
    func moved(_ golden: [String: [Double]]) -> [String] {
      Figure(figure: "", value: "", script: "", place: "", golden: golden).moved(from: losses)
    }
    #expect(moved(["lm": [3.0, 1.5], "tagger": [1, 1]]) == [])
    #expect(moved(["lm": [3.0, 1.5004], "tagger": [1, 1]]) == ["lm"])
    #expect(moved(["lm": [3.001, 1.5]]) == ["lm"])
    #expect(moved(["parser": [1, 1]]) == ["parser"])
  }
}
