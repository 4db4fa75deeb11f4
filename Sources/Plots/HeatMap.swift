/// A table of shades as SVG: how strong something is for each row and each column.
///
///     HeatMap(
///       title: "attention", rowTitle: "written", columnTitle: "read", rows: ["deux", "cent"],
///       columns: ["two", "hundred"], values: [[0.9, 0.1], [0.2, 0.8]]
///     ).svg
///
/// Its letters and cells keep their size, so a wide one is to be scrolled: `svg` stands in a box for that. Each
/// cell says its number to who points at it. Colours are for light or dark paper.
public struct HeatMap: Sendable {
  /// What the table shows: for readers who hear it.
  public var title: String
  /// What the rows and the columns are.
  public var rowTitle, columnTitle: String
  /// What each of them is called.
  public var rows, columns: [String]
  /// For each row the number of each column, from 0 to 1; what is no number has no cell.
  public var values: [[Double]]
  /// What a full shade stands for.
  public var scaleTitle: String
  /// The colour.
  public var hue: Chart.Hue
  /// Whether numbers stand in the cells, as percentages.
  public var showsNumbers: Bool
  /// Whether columns run from right to left, as what they stand for is written.
  public var runsLeft: Bool

  /// How many rows and columns are drawn at most.
  public static let most = 120

  private static let size = 13.0

  /// A table of shades.
  public init(
    title: String, rowTitle: String, columnTitle: String, rows: [String], columns: [String],
    values: [[Double]], scaleTitle: String = "1", hue: Chart.Hue = .blue,
    showsNumbers: Bool = false, runsLeft: Bool = false
  ) {
    self.title = title
    self.rowTitle = rowTitle
    self.columnTitle = columnTitle
    self.rows = Array(rows.prefix(Self.most))
    self.columns = Array(columns.prefix(Self.most))
    self.values = values.prefix(Self.most).map { Array($0.prefix(Self.most)) }
    self.scaleTitle = scaleTitle
    self.hue = hue
    self.showsNumbers = showsNumbers
    self.runsLeft = runsLeft
  }

  /// The table as an element of a page made by `HTML.page`.
  public var svg: String { "<div class=\"scroll\">\n\(drawn(attributes: "", style: ""))\n</div>" }

  /// The table as a file of its own.
  public var image: String {
    drawn(attributes: Chart.imageAttribute, style: Chart.imageStyle) + "\n"
  }

  // MARK: Where things stand

  private var cell: (width: Double, height: Double) { showsNumbers ? (31, 25) : (22, 22) }

  /// How wide the names of rows are.
  private var left: Double {
    let names = (rows + [rowTitle]).map { Letters.width(of: $0, size: Self.size) * 0.9 }
    return min(150, names.max() ?? 0) + 12
  }

  private var turnsNames: Bool {
    columns.contains { Letters.width(of: $0, size: Self.size) * 0.9 > cell.width - 4 }
  }

  /// How high the names of columns are, below the title of them.
  private var top: Double {
    guard turnsNames else { return 46 }
    let names = columns.map { Letters.width(of: $0, size: Self.size) * 0.8 }
    return min(130, names.max() ?? 0) + 34
  }

  private func x(_ column: Int) -> Double {
    left + cell.width * Double(runsLeft ? columns.count - 1 - column : column)
  }

  private func y(_ row: Int) -> Double { top + cell.height * Double(row) }

  private func drawn(attributes: String, style: String) -> String {
    let title = Letters.width(of: columnTitle, size: Self.size) * 0.9
    let scale = 130 + Letters.width(of: scaleTitle, size: Self.size)
    let width = Int(max(left + max(cell.width * Double(columns.count), title), scale) + 12)
    let height = Int(y(rows.count) + 40)
    let size = "width=\"\(width)\" height=\"\(height)\" viewBox=\"0 0 \(width) \(height)\""
    return
      ([
        "<svg class=\"chart map\" \(size) role=\"img\"\(attributes)>\(style)",
        "<title>\(HTML.escaped(HTML.cut(self.title, to: 4000)))</title>",
        "<desc>\(HTML.escaped(HTML.cut(description, to: 4000)))</desc>",
      ] + names + cells + scaleRow + ["</svg>"]).joined(separator: "\n")
  }

  // MARK: Parts

  private func text(
    _ words: String, _ x: Double, _ y: Double, _ rest: String = "", width: Double = 150
  ) -> String {
    let cut = Letters.fitted(words, width, size: Self.size)
    let whole = cut == words ? "" : "<title>\(HTML.escaped(HTML.cut(words, to: 200)))</title>"
    return "<text x=\"\(places(x))\" y=\"\(places(y))\"\(rest)>\(HTML.escaped(cut))\(whole)</text>"
  }

  private var names: [String] {
    let end = " text-anchor=\"end\""
    var parts = [
      text(columnTitle, left, 15, width: 10_000), text(rowTitle, left - 8, top - 8, end),
    ]
    for (row, name) in rows.enumerated() {
      parts.append(text(name, left - 8, y(row) + cell.height / 2 + 4.5, end))
    }
    for (column, name) in columns.enumerated() {
      let middle = x(column) + cell.width / 2
      if turnsNames {
        let turned = " transform=\"rotate(-90 \(places(middle + 4.5)) \(places(top - 6)))\""
        parts.append(text(name, middle + 4.5, top - 6, turned, width: 130))
      } else {
        parts.append(text(name, middle, top - 7, " text-anchor=\"middle\""))
      }
    }
    return parts
  }

  private func square(
    _ x: Double, _ y: Double, _ value: Double, width: Double, saying words: String
  ) -> String {
    let shade = Chart.text(of: (max(0, min(1, value)) * 1000).rounded() / 1000)
    return
      "<rect class=\"cell p\(hue.rawValue)\" x=\"\(places(x))\" y=\"\(places(y))\" "
      + "width=\"\(places(width - 1))\" height=\"\(places(cell.height - 1))\" "
      + "fill-opacity=\"\(shade)\"><title>\(HTML.escaped(HTML.cut(words, to: 200)))</title></rect>"
  }

  private var cells: [String] {
    var parts: [String] = []
    for (row, numbers) in values.enumerated() where row < rows.count {
      for (column, value) in numbers.enumerated() where column < columns.count && value.isFinite {
        let words = "\(rows[row]), \(columns[column]): \(Chart.text(of: value))"
        // Below this a number in the cell stays readable on its shade, in the colour of all letters.
        let shade = showsNumbers ? value * 0.5 : value
        parts.append(square(x(column), y(row), shade, width: cell.width, saying: words))
        if showsNumbers {
          let percent = Int((max(0, min(1, value)) * 100).rounded())
          parts.append(
            text(
              "\(percent)", x(column) + cell.width / 2, y(row) + cell.height / 2 + 4.5,
              " text-anchor=\"middle\""))
        }
      }
    }
    return parts
  }

  /// What the shades stand for.
  private var scaleRow: [String] {
    let at = y(rows.count) + 12
    let shades = [0, 0.25, 0.5, 0.75, 1].enumerated().map { place, value in
      square(
        26 + Double(place) * 22, at, showsNumbers ? value * 0.5 : value, width: 22,
        saying: Chart.text(of: value))
    }
    return [text("0", 8, at + 16)] + shades + [text(scaleTitle, 144, at + 16, width: 1000)]
  }

  /// The strongest column of each row, for readers who hear it.
  private var description: String {
    let strongest = zip(rows, values).map { name, numbers in
      let known = zip(columns, numbers).filter { $0.1.isFinite }
      return known.max { $0.1 < $1.1 }.map { "\(name): \($0.0) \(Chart.text(of: $0.1))" } ?? name
    }
    return "\(rowTitle) by \(columnTitle), the strongest of each row: "
      + strongest.joined(separator: "; ")
  }
}
