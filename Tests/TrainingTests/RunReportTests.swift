import Foundation
import Plots
import Testing

@testable import Training

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct RunReportTests {
  /// Whether an independent parser takes a page for well-formed, which none with a stray `<` is.
  private func isWellFormed(_ page: String) -> Bool { XMLParser(data: Data(page.utf8)).parse() }

  private func history(
    _ count: Int, metric: Metric = .crossEntropy, every: Int = 100, sample: String? = nil
  ) -> RunHistory {
    let rows = (1...max(1, count)).filter {
      RunHistory.hasRow(update: $0) || $0 % every == 0
    }.map { update in
      let loss = 1.5 + 3 / (1 + Double(update) / 50)
      let isValidated = update % every == 0
      return RunHistory.Row(
        update: update, epoch: Double(update) / 500, seconds: Double(update) / 20, loss: loss,
        gradientNorm: 1 + sin(Double(update)), rate: 0.002, tokensPerSecond: 40_000,
        memoryBytes: 200 << 20,
        validation: isValidated
          ? Validation(metric == .crossEntropy ? loss + 0.1 : 0.8, metric) : nil,
        isBest: isValidated, sample: isValidated ? sample : nil)
    }
    return RunHistory(count > 0 ? rows : [], metric: metric)
  }

  private func report(
    _ history: RunHistory, facts: [(String, String)] = [("model", "lstm")],
    state: RunReport.State = .running
  ) -> String {
    RunReport(title: "a run", facts: facts, history: history, unit: "char", state: state).html
  }

  private func charts(_ page: String) -> [String] {
    page.components(separatedBy: "<figcaption>").dropFirst().map {
      String($0.prefix { $0 != "<" })
    }
  }

  @Test func aLossIsShownInBitsAndOthersInTheirOwn() {
    let language = report(history(300))
    #expect(
      charts(language) == ["Loss", "Learning rate", "Norm of the gradient", "Speed", "Memory"])
    #expect(language.contains("bits per char") && language.contains("chars per second"))
    // The best is the last: 1.5 + 3/7 + 0.1 nats are 2.927 bits.
    #expect(language.contains("best: 2.927 bits/char at update 300"))
    let tagger = report(history(300, metric: .f1))
    #expect(charts(tagger).prefix(2) == ["Loss", "F1"] && tagger.contains("nats per char"))
    #expect(tagger.contains("best: F1 80.00 at update 300"))
    #expect(isWellFormed(language) && isWellFormed(tagger))
  }

  @Test func whatIsNotKnownIsLeftOut() {
    #expect(charts(report(history(0))) == [] && report(history(0)).contains("no figures yet"))
    let row = RunHistory([.init(update: 1, loss: 2)], metric: .crossEntropy)
    #expect(charts(report(row)) == ["Loss"] && !report(row).contains("validation"))
    #expect(isWellFormed(report(row)) && isWellFormed(report(history(1))))
    let broken = RunHistory(
      [.init(update: 1, loss: .nan, rate: .infinity)], metric: .crossEntropy)
    #expect(charts(report(broken)) == [] && isWellFormed(report(broken)))
    #expect(isWellFormed(report(eventfulHistory)))
    // A validation that is no number is said to be none, and is not the best whatever its row says.
    var odd = history(300)
    for place in odd.rows.indices where odd.rows[place].update > 200 {
      odd.rows[place].loss = .nan
      odd.rows[place].gradientNorm = .infinity
      odd.rows[place].validation?.value = .nan
    }
    let page = report(odd)
    #expect(page.contains("no number at update 300") && page.contains("bits/char at update 200"))
    for word in ["nan", "NaN", "inf "] { #expect(!page.contains(word), "\(word)") }
  }

  /// The mean of a line is that of the line smoothed: 2 bits, whatever the noise, and however rows thin out.
  @Test func aLongLossIsSmoothed() throws {
    let rows = (1...8000).filter { RunHistory.hasRow(update: $0) }.enumerated().map {
      place, update in
      RunHistory.Row(update: update, loss: (place % 2 == 0 ? 1 : 3) * log(2.0))
    }
    let charts = RunCharts(RunHistory(rows, metric: .crossEntropy), unit: "char").all
    let lines = try #require(charts.first).chart.lines
    #expect(lines.map(\.label) == ["training, smoothed", "training"])
    #expect(lines[0].y.count == 60 && lines[0].y.allSatisfy { abs($0 - 2) < 0.1 })
    // Each point is in the middle of its sixtieth.
    for (number, x) in lines[0].x.enumerated() {
      #expect(abs(x - 8000 * (Double(number) + 0.5) / 60) < 10)
    }
    let short = RunHistory(Array(rows.prefix(300)), metric: .crossEntropy)
    #expect(RunCharts(short, unit: "char").all.first?.chart.lines.map(\.label) == ["training"])
  }

  @Test func theStateIsTold() {
    let some = history(3)
    #expect(report(some).contains("It is running"))
    #expect(
      report(some, state: .interrupted(next: "majortom resume <a&b>")).contains(
        "<code>majortom resume &lt;a&amp;b&gt;</code>"))
    #expect(report(some, state: .finished(.patience)).contains("validation stopped improving"))
    #expect(
      report(some, state: .failed("NaN <here>")).contains(
        "It ended with an error: NaN &lt;here&gt;"))
  }

  @Test func aPageOfALongRunIsNotLarge() {
    let long = history(2_000_000, every: 1000, sample: String(repeating: "long ", count: 100_000))
    #expect(long.rows.count > 8000)
    let page = report(long)
    #expect(page.utf8.count < 400_000 && isWellFormed(page))
    // The samples that are kept begin with the first and end with the last.
    #expect(page.components(separatedBy: "<details>").count - 1 == 49 - 1)
    #expect(
      page.contains("<summary>update 1,000, ")
        && page.contains("<p><span class=\"best\">update 2,000,000"))
    let facts = (0..<1000).map { ("fact \($0)", String(repeating: "x", count: 100_000)) }
    #expect(report(history(1), facts: facts).utf8.count < 600_000)
  }

  @Test func theBestSampleIsAlwaysShown() {
    var some = history(100_000, every: 100, sample: "text")
    for place in some.rows.indices { some.rows[place].isBest = some.rows[place].update == 12_300 }
    let page = report(some)
    #expect(
      page.contains("<summary><span class=\"best\">update 12,300, ")
        && page.components(separatedBy: "(best)").count == 2)
  }

  @Test func hostileDataStayData() {
    for text in [
      "<script>alert(1)</script>", "</pre><img src=x onerror=y>", "\"'><b>", "a\0\u{1B}[31m\u{9B}",
      "\u{202E}evil", "]]>", String(repeating: "w", count: 9999), "שלום",
      "e" + String(repeating: "\u{301}", count: 9999),
    ] {
      let page = RunReport(
        title: text, facts: [(text, text)],
        history: history(300, metric: Metric(name: text, direction: .higher), sample: text),
        unit: text, state: .interrupted(next: text)
      ).html
      #expect(isWellFormed(page), "\(text.debugDescription)")
      for part in ["<script", "<img", "<b>", "\0", "\u{1B}", "\u{9B}", "\u{202E}"] {
        #expect(!page.unicodeScalars.starts(with: part.unicodeScalars) && !page.contains(part))
      }
      #expect(page.utf8.count < 300_000)
    }
  }

  @Test func indicesAreSpreadEvenly() {
    #expect(spread(3, over: 5) == [0, 1, 2] && spread(0, over: 5) == [])
    #expect(spread(9, over: 5) == [0, 2, 4, 6, 8] && spread(100, over: 3) == [0, 49, 99])
  }
}
