import CommandLineModels
import MajorTom

/// Words with their tags under them, in as many lines as the terminal's width asks for.
struct AlignedWords {
  let isColored: Bool
  /// The cells of a line.
  let width: Int

  init(isColored: Bool, width: Int = outputWidth) {
    self.isColored = isColored
    self.width = max(1, width)
  }

  /// The lines, with an empty one behind each pair.
  func text(of columns: [(word: String, tag: String)]) -> String {
    var blocks: [String] = []
    var (words, tags, used) = ("", "", 0)
    // Spaces stand before a column and never behind the last one.
    var (wordGap, tagGap) = (0, 0)
    func finish() {
      guard used > 0 else { return }
      blocks.append(words + "\n" + (isColored ? "\u{1B}[2m\(tags)\u{1B}[0m" : tags) + "\n")
      (words, tags, used, wordGap, tagGap) = ("", "", 0, 0, 0)
    }
    for column in columns {
      // A word that is wider than the terminal is cut, so that its tag still stands under it.
      let word = shortened(onOneLine(column.word), toWidth: width)
      let tag = shortened(column.tag, toWidth: width)
      let (wordWidth, tagWidth) = (displayWidth(of: word), displayWidth(of: tag))
      let cell = max(wordWidth, tagWidth)
      if used > 0, used + 2 + cell > width { finish() }
      if used > 0 {
        (wordGap, tagGap) = (wordGap + 2, tagGap + 2)
        used += 2
      }
      words += String(repeating: " ", count: wordGap) + word
      tags += String(repeating: " ", count: tagGap) + tag
      (wordGap, tagGap) = (cell - wordWidth, cell - tagWidth)
      used += cell
    }
    finish()
    return blocks.joined(separator: "\n")
  }
}

/// The cells of a line of standard output: of its terminal, else as `COLUMNS` says, else 80.
var outputWidth: Int {
  columns(of: 1) ?? environment("COLUMNS").flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil } ?? 80
}
