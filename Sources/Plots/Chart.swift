/// A chart of lines as SVG, for pages and for files of its own.
///
///     let chart = Chart(
///       title: "loss", x: .init("updates"), y: .init("bits per character"),
///       lines: [.init("training", x: updates, y: losses)])
///     HTML.page(title: "A run", body: chart.svg)
///
/// Lines differ in colour and in their dashes or points, and a legend names them, or a name at the line's
/// end. Letters keep a size that can be read on a telephone, too; colours are for light or dark paper as the reader's system is. A line of many
/// points is thinned out to `mostPoints`, its minima and maxima among them, so that the size is bounded.
public struct Chart: Sendable {
  /// What the chart shows: for readers who hear it.
  public var title: String
  /// The axis below, and the one at the left.
  public var x, y: Axis
  /// What is drawn.
  public var lines: [Line]
  /// Points with a ring around them.
  public var marks: [Mark]

  /// About how many points of a line are drawn at most.
  public static let mostPoints = 600

  /// A chart.
  public init(title: String, x: Axis, y: Axis, lines: [Line], marks: [Mark] = []) {
    self.title = title
    self.x = x
    self.y = y
    self.lines = lines
    self.marks = marks
  }

  /// The colours of lines and of what is filled, so that one thing can have the same in all charts.
  public enum Hue: Int, Sendable, CaseIterable {
    /// In their order a line without one has them.
    case blue, orange, green, purple, olive, gray
  }

  /// Some points and what joins them.
  ///
  /// Where a number is not finite, or has no place on its axis, the line has a gap.
  public struct Line: Sendable {
    /// How a line looks.
    public enum Style: Sendable {
      /// A line, with dashes if it is not the first.
      case plain
      /// A line with a disc, square, triangle or diamond at each point, if they are not too many.
      case points
      /// A thin and grey line, as of what is shown smoothed by another one.
      case faint
    }

    /// What the legend calls it.
    public var label: String
    /// Where the points are.
    public var x, y: [Double]
    /// How it looks.
    public var style: Style
    /// Its colour; nil for the one of its number.
    public var hue: Hue?
    /// What is written at its end, in a few letters; where it is all of the label, the legend leaves it out.
    public var name: String?
    /// Why it ends before others do: its end gets a cross, which the legend explains so.
    public var stop: String?

    /// A line through points, as many as there are of both `x` and `y`.
    public init(
      _ label: String, x: [Double], y: [Double], style: Style = .plain, hue: Hue? = nil,
      name: String? = nil, stop: String? = nil
    ) {
      self.label = label
      self.x = x
      self.y = y
      self.style = style
      self.hue = hue
      self.name = name
      self.stop = stop
    }
  }

  /// A point with a ring around it.
  public struct Mark: Sendable {
    /// What the legend says of it.
    public var label: String
    /// Where it is.
    public var x, y: Double

    /// A mark.
    public init(_ label: String, x: Double, y: Double) {
      self.label = label
      self.x = x
      self.y = y
    }
  }

  /// The chart as an element of a page made by `HTML.page`.
  public var svg: String { ChartDrawing(self).svg(attributes: "", style: "") }

  /// The chart as a file of its own.
  public var image: String {
    ChartDrawing(self).svg(attributes: Self.imageAttribute, style: Self.imageStyle) + "\n"
  }

  /// What the element of a file of its own has besides.
  static let imageAttribute = " xmlns=\"http://www.w3.org/2000/svg\""

  /// What a file of its own has inside of that element.
  static let imageStyle = """

    <style>svg.chart { color: #222; background: #fff }
    @media (prefers-color-scheme: dark) { svg.chart { color: #ddd; background: #181818 } }
    \(style)</style>
    """

  /// A number for people, with four significant digits: `0.25`, `12,000`, `3·10⁻⁹`, and `–` where there is none.
  public static func text(of value: Double) -> String {
    value.isFinite ? Decimal(value, significant: 4).text : "–"
  }

  /// The rules of style that charts in a page need: a part of each page.
  ///
  /// A chart is 480 units wide, and so the letters of 17 units are of 12 pixels on a telephone. The colours
  /// are chosen to be told apart by people who see fewer of them, and to stand out from the paper by 4.5 : 1.
  static let style = """
    svg.chart { display: block; width: 100%; max-width: 36rem; height: auto }
    svg.chart text { fill: currentColor; font: 13px sans-serif }
    @media (max-width: 480px) { svg.chart text { font-size: 17px } }
    svg.chart .grid line { stroke: currentColor; stroke-opacity: 0.22 }
    svg.chart polyline { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round }
    svg.chart polyline.faint { stroke: currentColor; stroke-width: 1; opacity: 0.5 }
    svg.chart .leader { stroke: currentColor; stroke-opacity: 0.35; stroke-dasharray: 2 3 }
    svg.chart .cross { stroke-width: 2.5 }
    svg.chart.map { width: auto; max-width: none }
    svg.chart.map text { font-size: 13px }
    svg.chart.map .cell { stroke: currentColor; stroke-opacity: 0.18 }
    .scroll { overflow-x: auto; max-width: 100% }
    svg.chart .ring { fill: none; stroke: currentColor; stroke-width: 2 }
    svg.chart .d1 { stroke-dasharray: 8 5 } svg.chart .d2 { stroke-dasharray: 2 5 }
    svg.chart .d3 { stroke-dasharray: 10 4 2 4 } svg.chart .d4 { stroke-dasharray: 16 5 }
    svg.chart .d5 { stroke-dasharray: 5 3 1 3 1 3 }
    \(colors("#0063a6", "#c04600", "#00765a", "#9b4393", "#7a6600", "#555"))
    @media (prefers-color-scheme: dark) {
    \(colors("#6cb6ff", "#ff9e64", "#5fd3a8", "#e29be0", "#e0c34a", "#bbb")) }
    """

  /// The colours of strokes (`c0` to `c5`) and of what is filled (`p0` to `p5`).
  private static func colors(_ colors: String...) -> String {
    colors.enumerated().map {
      "svg.chart .c\($0) { stroke: \($1) } svg.chart .p\($0) { fill: \($1) }"
    }.joined(separator: "\n")
  }
}
