import Foundation
import Testing

@testable import Plots

@Suite struct HeatMapTests {
  private func map(_ values: [[Double]], runsLeft: Bool = false) -> HeatMap {
    HeatMap(
      title: "a map", rowTitle: "written", columnTitle: "read",
      rows: values.indices.map { "row \($0)" }, columns: ["a", "b", "c"], values: values,
      runsLeft: runsLeft)
  }

  /// The cells without those of the scale below: they have the names of rows.
  private func cells(_ svg: String) throws -> [(shade: Double, x: Double, y: Double, title: String)]
  {
    let elements = try #require(Elements(svg))
    return zip(elements.named("rect"), (elements.texts["title"] ?? []).dropFirst()).compactMap {
      guard let shade = Double($0["fill-opacity"] ?? ""), let x = Double($0["x"] ?? ""),
        let y = Double($0["y"] ?? ""), $1.contains("row")
      else { return nil }
      return (shade, x, y, $1)
    }
  }

  @Test func shadesAreTheNumbers() throws {
    let found = try cells(map([[0, 0.25, 1], [0.5, .nan, 2]]).svg)
    #expect(found.map(\.shade) == [0, 0.25, 1, 0.5, 1])
    #expect(found.map(\.title)[1] == "row 0, b: 0.25" && found.map(\.title)[3] == "row 1, a: 0.5")
    #expect(found[0].y == found[2].y && found[3].y > found[0].y)
    #expect(found[0].x < found[1].x && found[1].x < found[2].x && found[3].x == found[0].x)
  }

  @Test func columnsRunAsTheTextDoes() throws {
    let found = try cells(map([[0.1, 0.2, 0.3]], runsLeft: true).svg)
    #expect(found.map(\.shade) == [0.1, 0.2, 0.3])
    #expect(found[0].x > found[1].x && found[1].x > found[2].x)
  }

  @Test func everythingStandsWithinThePicture() throws {
    var numbers = map([[0.1, 0.999, 0]])
    numbers.showsNumbers = true
    numbers.columns = ["soixante-et-onze", "b", "👩‍🚀"]
    for drawn in [map([[0, 1, 0.5]]).svg, numbers.svg, numbers.image, map([]).svg] {
      let elements = try #require(Elements(drawn))
      let svg = elements.named("svg")[0]
      let (width, height) = (
        try #require(Double(svg["width"] ?? "")), try #require(Double(svg["height"] ?? ""))
      )
      for cell in elements.named("rect") {
        let x = try #require(Double(cell["x"] ?? "")), y = try #require(Double(cell["y"] ?? ""))
        #expect(x >= 0 && y >= 0 && x + 20 <= width && y + 20 <= height)
      }
    }
    #expect(numbers.svg.contains(">100</text>") && numbers.svg.contains(">10</text>"))
    #expect(
      numbers.image.hasPrefix("<svg ") && numbers.image.contains("prefers-color-scheme: dark"))
  }

  @Test func hostileWordsAreWords() throws {
    for word in hostile {
      let map = HeatMap(
        title: word, rowTitle: word, columnTitle: word, rows: [word, word], columns: [word],
        values: [[0.5], [1]], scaleTitle: word)
      let elements = try #require(Elements(map.svg), "\(word.debugDescription)")
      #expect(
        Set(elements.all.map(\.name)).isSubset(of: ["div", "svg", "title", "desc", "rect", "text"]))
      #expect(elements.all.allSatisfy { $0.attributes["onload"] == nil })
      let colored = ColoredText(pieces: [word, "a"], values: [1, -0.5], name: word, notes: [word])
      let text = try #require(
        Elements("<div>\(colored.html)\(colored.scale)</div>"), "\(word.debugDescription)")
      #expect(Set(text.all.map(\.name)).isSubset(of: ["div", "pre", "span", "p"]))
    }
  }

  /// Ten steps of colour on each side, and a rule of style for each.
  @Test func coloursAreTheNumbersOfPieces() throws {
    let text = ColoredText(
      pieces: ["a", "b", "c", "", "\n", "d"], values: [2, -2, 1, 9, 0.01, .nan], name: "c",
      largest: 2)
    let elements = try #require(Elements(text.html))
    let spans = elements.named("span")
    #expect(spans.map { $0["class"] ?? "" } == ["u10", "v10", "u5", "", ""])
    #expect(spans.map { $0["title"] ?? "" } == ["2", "−2", "1", "0.01", "–"])
    #expect(elements.texts["span"] == ["a", "b", "c", "¶\n", "d"])
    #expect(elements.named("pre")[0]["dir"] == "auto")
    for level in 1...10 {
      #expect(
        ColoredText.style.contains(".u\(level) {") && ColoredText.style.contains(".v\(level) {"))
    }
    #expect(ColoredText(pieces: ["a"], values: [.nan], name: "c").html.contains("<span title"))
    #expect(text.scale.contains("c: −2 ") && text.scale.hasSuffix(" 2</p>"))
  }

  /// By the first letter, as HTML's dir="auto" has it.
  @Test(arguments: [
    ("שלום", true), ("12. العربية abc", true), ("abc עברית", false), ("", false), ("1 2", false),
    ("ދިވެހި", true), ("漢字", false), ("𐤀", true),
  ])
  func directionsAreKnown(_ text: String, _ runsLeft: Bool) {
    #expect(HTML.runsLeft(text) == runsLeft)
    #expect(HTML.isolated("<\(text)>") == "<bdi>&lt;\(text)&gt;</bdi>")
  }
}
