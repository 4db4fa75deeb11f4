internal import Plots

/// A training run as a page that needs nothing else: its state, charts, samples and facts.
///
/// The page's size is bounded, however long the run.
public struct RunReport: Sendable {
  /// What state a run is in.
  public enum State: Sendable, Equatable {
    /// It trains.
    case running
    /// It was told to stop, or was killed; the command that goes on with it.
    case interrupted(next: String)
    /// It is over.
    case finished(TrainingEnd)
    /// An error ended it, such as a loss that was no longer finite; the sentence.
    case failed(String)
  }

  /// What the run is called.
  public var title: String
  /// What is to be known of the model, the data and the options, by name.
  public var facts: [(String, String)]
  /// The figures.
  public var history: RunHistory
  /// What a token is called where tokens are counted, such as `char`.
  public var unit: String
  /// What state the run is in.
  public var state: State

  /// How many samples, facts, and code points of each a page has at most.
  static let (mostSamples, mostFacts, longestText) = (50, 200, 2000)

  /// A report.
  public init(
    title: String, facts: [(String, String)], history: RunHistory, unit: String, state: State
  ) {
    self.title = title
    self.facts = facts
    self.history = history
    self.unit = unit
    self.state = state
  }

  /// The page.
  public var html: String {
    let charts = RunCharts(history, unit: unit).all.map { name, chart in
      "<figure><figcaption>\(HTML.escaped(name))</figcaption>\n\(chart.svg)\n</figure>"
    }
    let sections =
      [stateText, standing, "<section class=\"charts\">"] + charts + ["</section>"] + samples
      + ["<h2>The run</h2>", table(facts.prefix(Self.mostFacts))]
    return HTML.page(
      title: HTML.cut(title, to: 200), style: Self.style, isWide: true,
      body: sections.joined(separator: "\n"))
  }

  private static let style = """
    .charts { display: grid; gap: 1.5em; margin: 1.5em 0; justify-items: center;
      grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)) }
    figure { margin: 0; width: 100%; max-width: 36rem }
    figcaption { font-weight: bold; margin-bottom: 0.25em }
    .state { border-left: 0.3em solid rgba(128, 128, 128, 0.45); padding: 0.2em 0.8em; margin: 0.8em 0 }
    table { border-collapse: collapse } td, th { vertical-align: top; text-align: left;
      padding: 0.15em 1.2em 0.15em 0; font-weight: normal } th { opacity: 0.75; min-width: min(9em, 35vw) }
    td { white-space: pre-wrap }
    pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0.4em 0 1em;
      padding: 0.6em 0.8em; border: 1px solid rgba(128, 128, 128, 0.45); max-width: 60em; font-size: 0.9em }
    /* Towers of accents stay in their boxes. */
    h1, p, td, th, pre, summary { contain: paint }
    summary { cursor: pointer } .best { font-weight: bold }
    """

  private func shown(_ text: String) -> String {
    HTML.escaped(HTML.cut(text, to: Self.longestText))
  }

  // MARK: Where it stands

  private var stateText: String {
    let text =
      switch state {
      case .running: "It is running: this page is written anew now and then."
      case .interrupted(let next):
        "It was interrupted. To go on: <code>\(shown(next))</code>"
      case .finished(let end): "It is finished: \(shown(end.rawValue))."
      case .failed(let sentence): "It ended with an error: \(shown(sentence))"
      }
    return "<p class=\"state\">\(text)</p>"
  }

  private var standing: String {
    guard let last = history.rows.last else { return "<p>There are no figures yet.</p>" }
    var facts = [("update", grouped(last.update))]
    if last.epoch.isFinite { facts.append(("epoch", fixed(last.epoch, 2))) }
    facts.append(("time trained", time(last.seconds)))
    if let best = history.best { facts.append(("best validation", text(of: best))) }
    if let row = history.rows.last(where: { $0.validation != nil }),
      row.update != history.best?.update
    {
      facts.append(("last validation", text(of: row)))
    }
    return table(facts[...])
  }

  private func text(of row: RunHistory.Row) -> String {
    "\(text(of: row.validation)) at update \(grouped(row.update))"
  }

  private func text(of validation: Validation?) -> String {
    guard let validation, validation.value.isFinite else { return "no number" }
    return validation.text(unit: unit)
  }

  private func table(_ facts: ArraySlice<(String, String)>) -> String {
    "<table>\n"
      + facts.map { "<tr><th scope=\"row\">\(shown($0.0))</th><td>\(shown($0.1))</td></tr>\n" }
      .joined()
      + "</table>"
  }

  // MARK: Samples

  /// The last sample, and some of those before it, the latest first.
  private var samples: [String] {
    let all = history.rows.filter { $0.sample != nil }
    guard let last = all.last else { return [] }
    let best = history.best?.update
    let isKept = Set(spread(all.count, over: Self.mostSamples - 1))
    let kept = all.enumerated().filter { isKept.contains($0.offset) || $0.element.update == best }
    let earlier = kept.dropLast().reversed().map { _, row in
      "<details><summary>\(heading(row, best: best))</summary>\(sample(row))</details>"
    }
    let others = earlier.isEmpty ? [] : ["<h3>Earlier</h3>"] + earlier
    return ["<h2>Samples</h2>", "<p>\(heading(last, best: best))</p>", sample(last)] + others
  }

  private func heading(_ row: RunHistory.Row, best: Int?) -> String {
    let validation = row.validation.map { ", " + self.text(of: $0) } ?? ""
    let text = "update \(grouped(row.update))\(shown(validation))"
    return row.update == best ? "<span class=\"best\">\(text) (best)</span>" : text
  }

  private func sample(_ row: RunHistory.Row) -> String {
    "<pre dir=\"auto\">\(shown(row.sample ?? ""))</pre>"
  }
}

/// At most so many indices of a list, evenly over it, the first and the last among them.
func spread(_ count: Int, over most: Int) -> [Int] {
  guard count > most else { return Array(0..<count) }
  return (0..<most).map { $0 * (count - 1) / (most - 1) }
}

extension RunHistory {
  /// The row of the best validation, if it is a number.
  var best: Row? { rows.last { $0.isBest && $0.validation?.value.isFinite == true } }
}
