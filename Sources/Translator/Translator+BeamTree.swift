internal import Decoding
public import ICUText

extension Translator {
  /// All hypotheses that a beam search followed for one text, as a tree that grows by a token a step.
  public struct BeamTree: Sendable, Equatable {
    /// A token of a hypothesis.
    public struct Branch: Sendable, Equatable {
      /// The number of the branch that it goes on from; nil for a first token.
      public let parent: Int?
      /// The token's bytes, which need not be whole characters; none for the end.
      public let bytes: [UInt8]
      /// Whether it is the end of a translation, and no token.
      public let isEnd: Bool
      /// The logarithm of the probability of all tokens up to this one.
      public let logProbability: Double
      /// What finished translations are compared by; nil where this is not the last token of one.
      public let score: Double?
      /// Whether the best translation goes through it.
      public var isBest = false
    }

    /// The branches, each after the one that it goes on from.
    public let branches: [Branch]
    /// The best translation.
    public let best: Translation

    /// For each branch the numbers of those that go on from it; the last list is of the first tokens.
    public var children: [[Int]] {
      var lists = [[Int]](repeating: [], count: branches.count + 1)
      for (number, branch) in branches.enumerated() {
        lists[branch.parent ?? branches.count].append(number)
      }
      return lists
    }
  }

  /// The tree that a beam search grows for one text; nil for an empty text.
  ///
  /// Only what is followed is in it: at each step the `beam` likeliest continuations, or fewer where a
  /// margin drops some. An unknown word is U+FFFD here, as nothing is copied before a search is over.
  ///
  /// Throws `TextError` where ICU cannot cut the text.
  public func beamTree(of text: String, _ search: Search) throws(TextError) -> BeamTree? {
    let source = try read(text)
    guard !source.pieces.isEmpty else { return nil }
    var grown: [BeamSearch.Branch] = []
    let found = translate(
      [source], search, on: TranslationSteps.Workspaces(core.workspaces),
      grown: { grown.append($0) })
    guard let best = found.first?.first else { return nil }
    let code = targetCode
    var branches = grown.map { branch in
      let isEnd = branch.id == targetEnd
      return BeamTree.Branch(
        parent: branch.parent,
        bytes: isEnd
          ? []
          : branch.id == targetUnknown
            ? Array(SentenceCode.unknownText.utf8) : code.vocabulary.bytes(of: Int(branch.id)),
        isEnd: isEnd, logProbability: branch.logProbability, score: branch.score)
    }
    // Of equal scores the first, as the search has it.
    var next: Int?
    for (number, branch) in branches.enumerated() {
      guard let score = branch.score else { continue }
      if next.map({ score > branches[$0].score ?? -.infinity }) ?? true { next = number }
    }
    while let number = next {
      branches[number].isBest = true
      next = branches[number].parent
    }
    return BeamTree(branches: branches, best: best)
  }
}
