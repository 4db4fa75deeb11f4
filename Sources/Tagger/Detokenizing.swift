extension RunningText {
  /// Words as they probably stood in text, where nothing says it: punctuation joins its neighbours.
  ///
  /// It is what taggers of such data are measured with; scripts without spaces have none.
  init(guessing words: [String]) {
    var tokens = RunningText(separate: words).tokens
    // Straight quotation marks open and close by turns.
    var isOpen: [String: Bool] = [:]
    for (place, word) in words.enumerated() {
      var (joinsBefore, joinsAfter) = (false, false)
      if Self.closing.contains(word) || word.allSatisfy({ $0 == "." || $0 == "!" || $0 == "?" })
        || CuttingRules.ending(of: word)?.count == word.count
      {
        joinsBefore = true
      } else if Self.opening.contains(word) {
        joinsAfter = true
      } else if word == "\"" || word == "'" {
        joinsBefore = isOpen[word] == true
        joinsAfter = !joinsBefore
        isOpen[word] = joinsAfter
      }
      if joinsBefore, place > 0 { tokens[place - 1].isFollowedBySpace = false }
      if joinsAfter { tokens[place].isFollowedBySpace = false }
    }
    self.init(tokens: tokens)
  }

  private static let closing: Set = [",", ";", ":", "%", ")", "]", "}", "”", "’", "»", "''", "…"]
  private static let opening: Set = ["(", "[", "{", "$", "£", "“", "‘", "«", "``", "#", "¿", "¡"]
}
