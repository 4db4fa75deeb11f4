import Foundation
import Testing

@testable import Plots

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// The elements of a text that an independent parser takes for well-formed XML.
final class Elements: NSObject, XMLParserDelegate {
  private(set) var all: [(name: String, attributes: [String: String])] = []
  private(set) var texts: [String: [String]] = [:]
  private var open: [String] = []

  init?(_ text: String) {
    super.init()
    let parser = XMLParser(data: Data(text.utf8))
    parser.delegate = self
    guard parser.parse() else { return nil }
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    all.append((name, attributes))
    open.append(name)
    texts[name, default: []].append("")
  }

  func parser(
    _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
  ) { open.removeLast() }

  func parser(_ parser: XMLParser, foundCharacters text: String) {
    guard let name = open.last else { return }
    texts[name, default: [""]][texts[name, default: [""]].count - 1] += text
  }

  func named(_ name: String) -> [[String: String]] {
    all.filter { $0.name == name }.map(\.attributes)
  }

  /// The points of each line of the chart; a legend's samples, which lie below it, are no lines.
  var lines: [[(x: Double, y: Double)]] {
    named("polyline").map { attributes in
      (attributes["points"] ?? "").split(separator: " ").map { pair in
        let numbers = pair.split(separator: ",").compactMap { Double($0) }
        return numbers.count == 2 ? (numbers[0], numbers[1]) : (.nan, .nan)
      }
    }.filter { $0.allSatisfy { $0.y < 230 } }
  }
}

/// What hostile data may hold.
let hostile = [
  "<script>alert(1)</script>", "\"' onload='x' a=\"", "]]>&amp;&lt;",
  "a\0b\u{1}\u{1B}[31m\u{7F}\u{9B}1m\r",
  "\u{202E}gnp.exe\u{2066}", "\u{FFFE}\u{FFFF}\u{1FFFE}", String(repeating: "w", count: 5000),
  "e" + String(repeating: "\u{301}", count: 3000), "שלום \u{200F}עולם", "\u{2028}\u{2029}\u{85}",
  "漢字かな交じり文", "",
]

@Suite struct ChartTests {
  private func chart(
    _ lines: [Chart.Line], scale: Chart.Axis.Scale = .linear, marks: [Chart.Mark] = []
  ) -> Chart {
    Chart(
      title: "a chart", x: .init("updates"), y: .init("loss", scale), lines: lines, marks: marks)
  }

  @Test func pointsStandWhereTheirNumbersAre() throws {
    // From 0 to 10 in steps of 2: the plot is 190 units high, from 34 to 224.
    let chart = chart([.init("a", x: [1, 2, 3, 5], y: [0, 10, 5, 2])])
    let elements = try #require(Elements(chart.svg))
    let line = try #require(elements.lines.first)
    #expect(elements.lines.count == 1 && line.count == 4)
    #expect(line.map(\.y) == [224, 34, 129, 186])
    let steps = zip(line, line.dropFirst()).map { $1.x - $0.x }
    #expect(abs(steps[0] - steps[1]) <= 0.11 && abs(steps[2] - 2 * steps[0]) <= 0.21)
    #expect(elements.texts["text"]?.contains("10") == true)
    #expect(elements.texts["title"]?.first == "a chart")
    #expect(
      elements.texts["desc"] == [
        "loss by updates; a: from 0 at 1 to 2 at 5, least 0, greatest 10."
      ])
  }

  @Test func whatIsNoNumberIsAGap() throws {
    let y: [Double] = [1, .nan, 3, 4, .infinity, -.infinity, 7, 8, 9]
    let elements = try #require(
      Elements(chart([.init("a", x: (1...9).map(Double.init), y: y)]).svg))
    #expect(elements.lines.map(\.count) == [2, 3])
    // A line of one point would not be seen: it has a square.
    #expect(elements.named("polygon").count == 1)
    // On a logarithmic axis, 0 and less have no place, either; nor has what lies outside the limits.
    var other = chart(
      [.init("a", x: [1, 2, 3, 4, 5, 6], y: [1, 2, 0, 1, 2, 1e40])], scale: .logarithmic)
    other.y.limits = 1e-32...1e32
    #expect(try #require(Elements(other.svg)).lines.map(\.count) == [2, 2])
  }

  @Test(arguments: [Chart.Axis.Scale.linear, .logarithmic])
  func nothingButNumbersIsDrawn(_ scale: Chart.Axis.Scale) throws {
    let values: [[Double]] = [
      [], [1], [0], [.nan], [.infinity, -.infinity], [5, 5, 5], [1e-30, 1e30], [-1e300, 1e300],
      [1e-320, 1], [.greatestFiniteMagnitude, -.greatestFiniteMagnitude], [1e-30, 2e-30],
      [1e30, 1e30 + 1e15], [0, 0],
    ]
    for y in values {
      for x in [y, (0..<y.count).map(Double.init)] {
        for style in [Chart.Line.Style.plain, .points, .faint] {
          let drawn = chart(
            [.init("a", x: x, y: y, style: style)], scale: scale,
            marks: y.map { .init("m", x: $0, y: $0) }
          ).svg
          let elements = try #require(Elements(drawn), "\(y)")
          for word in ["nan", "NaN", "inf"] { #expect(!drawn.contains(word), "\(y): \(drawn)") }
          for line in elements.lines {
            #expect(
              line.allSatisfy { (0...480).contains($0.x) && (30...230).contains($0.y) }, "\(y)")
          }
        }
      }
    }
  }

  @Test func longLinesKeepTheirExtremes() throws {
    let count = 100_000
    let x = (0..<count).map(Double.init)
    var y = x.map { 2 + sin($0 / 1000) }
    y[31_416] = 9
    y[77_777] = -4
    let drawn = chart([.init("a", x: x, y: y), .init("b", x: x, y: y.reversed(), style: .points)])
      .svg
    let elements = try #require(Elements(drawn))
    #expect(elements.lines.count == 2 && drawn.utf8.count < 30_000)
    for line in elements.lines {
      #expect((400...Chart.mostPoints).contains(line.count))
      // 9 and -4 on an axis from -5 to 10.
      #expect(line.map(\.y).min() == 46.7 && line.map(\.y).max() == 211.3)
      #expect(line.map(\.x) == line.map(\.x).sorted())
    }
    let ends = elements.lines[0].map(\.x)
    #expect(ends.last == 466 && ends[0] < 60)
    // With a gap at every second point, too, the size is bounded.
    for place in stride(from: 0, to: count, by: 2) { y[place] = .nan }
    #expect(chart([.init("a", x: x, y: y)]).svg.utf8.count < 90_000)
  }

  @Test func aGapIsSeenInALongLine() throws {
    let x = (0..<50_000).map(Double.init)
    let y = x.map { $0 > 20_000 && $0 < 30_000 ? .nan : $0 }
    let elements = try #require(Elements(chart([.init("a", x: x, y: y)]).svg))
    #expect(elements.lines.count == 2)
    // Also where the points beside the gap are neither the least nor the greatest near them.
    let noisy = x.map { place in
      place > 20_000 && place < 30_000
        ? .nan
        : place.truncatingRemainder(dividingBy: 100) < 50
          ? abs(50 - place.truncatingRemainder(dividingBy: 97)) : 25
    }
    let second = try #require(Elements(chart([.init("a", x: x, y: noisy)]).svg))
    #expect(second.lines.count == 2)
  }

  @Test func linesAreToldApartWithoutColours() throws {
    let lines = (0..<12).map { number in
      Chart.Line(
        "line \(number)", x: [1, 2], y: [Double(number), 1], style: number < 6 ? .plain : .points)
    }
    let elements = try #require(Elements(chart(lines, marks: [.init("best", x: 1, y: 1)]).svg))
    let curves = elements.named("polyline")
    let dashes = curves.prefix(6).map {
      ($0["class"] ?? "").split(separator: " ").dropFirst().joined()
    }
    #expect(Set(dashes).count == 6)
    for number in 1..<6 { #expect(Chart.style.contains(".d\(number) { stroke-dasharray")) }
    // A row of the legend for each, with the line's own look, within the picture.
    #expect(
      curves.count == 24 && elements.named("circle").filter { $0["class"] == "ring" }.count == 2)
    let height = try #require(
      elements.named("svg")[0]["viewBox"]?.split(separator: " ").last.flatMap { Double($0) })
    for text in elements.named("text") {
      #expect(try #require(Double(text["y"] ?? "")) <= height - 4)
    }
    for number in 0..<12 { #expect(elements.texts["text"]?.contains("line \(number)") == true) }
    #expect(elements.texts["text"]?.contains("best") == true)
  }

  @Test func hostileWordsAreWords() throws {
    for word in hostile {
      let chart = Chart(
        title: word, x: .init(word), y: .init(word),
        lines: [.init(word, x: [1, 2], y: [1, 2], style: .points), .init(word, x: [1], y: [1])],
        marks: [.init(word, x: 1, y: 1)])
      for text in [chart.svg, chart.image] {
        let elements = try #require(Elements(text), "\(word.debugDescription)")
        let names = Set(elements.all.map(\.name))
        #expect(
          names.isSubset(of: [
            "svg", "g", "title", "desc", "line", "text", "polyline", "polygon", "circle", "style",
          ]))
        #expect(elements.all.allSatisfy { $0.attributes["onload"] == nil })
        #expect(text.utf8.count < 60_000)
      }
    }
  }

  @Test func aFileOfItsOwnHasItsStyle() throws {
    let image = chart([.init("a", x: [1, 2], y: [1, 2])]).image
    #expect(image.hasPrefix("<svg ") && image.contains("xmlns=\"http://www.w3.org/2000/svg\""))
    #expect(image.contains("prefers-color-scheme: dark") && image.contains("#181818"))
    #expect(Elements(image) != nil)
  }

  /// A name at each end, in the line's colour, none over another, all within the picture.
  @Test func namesStandAtTheEndsOfLines() throws {
    let names = ["Elman", "GRU", "LSTM", "window of 16", "漢字かな交じり文の長い名前"]
    let lines = names.enumerated().map { number, name in
      Chart.Line(
        name, x: [1, 2], y: [5, 1 + Double(number) / 1000],
        hue: Chart.Hue(rawValue: 4 - number), name: name)
    }
    let drawn = chart(lines).svg
    let elements = try #require(Elements(drawn))
    let found = elements.named("text").filter { $0["class"] != nil }
    #expect(Set(found.compactMap { $0["class"] }) == ["p0", "p1", "p2", "p3", "p4"])
    let places = try found.map { try #require(Double($0["y"] ?? "")) }.sorted()
    #expect(places.count == 5 && (places.first ?? 0) > 10)
    #expect(zip(places, places.dropFirst()).allSatisfy { $1 - $0 >= 17.9 })
    for line in elements.lines where line.count == 2 { #expect(line[1].x <= 480 - 100) }
    for (number, name) in names.enumerated() {
      let x = try #require(Double(found[0]["x"] ?? ""))
      #expect(x + Letters.width(of: Letters.fitted(name, 132)) * 0.9 <= 482, "\(number)")
    }
    // The names say all that a legend would.
    #expect(drawn.components(separatedBy: "<polyline").count == 6)
    #expect(
      elements.named("polyline").map { $0["class"]?.prefix(2) } == ["c4", "c3", "c2", "c1", "c0"])
  }

  @Test func aLineThatStopsSaysWhy() throws {
    let why = "stops, as 64 steps back it is 10⁻⁴⁰, which is below all that this chart shows"
    let lines = [
      Chart.Line("a", x: [1, 2, 4], y: [1, 0.5, 0.25]),
      Chart.Line("b", x: [1, 2, 4], y: [1, 0.1, .nan], stop: why),
    ]
    let elements = try #require(Elements(chart(lines).svg))
    // At the last point, and in the legend.
    #expect(elements.named("g").count { $0["class"] == "c1 cross" } == 2)
    let words = (elements.texts["text"] ?? []).joined(separator: " ")
    #expect(words.contains("b: stops, as 64") && words.contains("below all that"))
    #expect(elements.texts["desc"]?.first?.contains(why) == true)
    let height = try #require(
      elements.named("svg")[0]["viewBox"]?.split(separator: " ").last.flatMap { Double($0) })
    for text in elements.named("text") {
      #expect(try #require(Double(text["y"] ?? "")) <= height - 4)
    }
    // A line that has no end cannot have a cross there.
    let empty = chart([.init("a", x: [], y: [], stop: why), .init("b", x: [1], y: [1])])
    #expect(!empty.svg.contains("cross"))
  }

  @Test func placesMoveApart() {
    #expect(Letters.apart([0, 1, 50], by: 10, within: -5...60) == [0, 10, 50])
    #expect(Letters.apart([58, 59, 60], by: 10, within: 0...60) == [40, 50, 60])
    #expect(Letters.apart([], by: 10, within: 0...60).isEmpty)
  }
}
