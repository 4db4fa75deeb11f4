/// Counts which tags are of spans, and which are of no scheme.
///
/// Tags are either all of spans or all of words. One that is written wrongly among tags of spans would
/// make them all tags of words, so it is an error there.
struct TagCensus: Sendable {
  /// Tags that are `O`, that have a mark and a type, and that are neither.
  private(set) var outside = 0, marked = 0, others = 0
  /// The first tag of no scheme, and what was given with it.
  private(set) var firstOther: (tag: String, line: Int)?

  /// What the tags are.
  enum Verdict: Equatable {
    /// Of spans.
    case spans
    /// Of words.
    case words
    /// Of spans, but for some that are of no scheme.
    case mixed
  }

  mutating func add(_ tag: String, line: @autoclosure () -> Int, times: Int = 1) {
    switch TagScheme.parts(tag)?.mark {
    case "O"?: outside += times
    case .some: marked += times
    case nil:
      if firstOther == nil { firstOther = (tag, line()) }
      others += times
    }
  }

  /// The tags in all.
  var count: Int { outside + marked + others }

  /// Tags are of spans but for a few where nine tenths are, `O` included, and at least as many have a
  /// mark and a type as do not.
  ///
  /// No set of parts of speech in use comes near: some have a tag `O`, none has tags such as `B-PER`.
  var verdict: Verdict {
    if others == 0 { return .spans }
    return marked >= others && 10 * (outside + marked) >= 9 * count ? .mixed : .words
  }

  /// What a tag of no scheme was likely meant to be: `O` for `0` and `o`, `B-PER` for `B_PER` and
  /// `b-PER`.
  static func likelyTag(_ tag: String) -> String? {
    if ["0", "o", "\u{41E}", "\u{43E}", "-"].contains(tag) { return "O" }
    guard let mark = tag.first, let separator = tag.dropFirst().first,
      ["_", "-", ":", "\u{2010}", "\u{2011}", "\u{2013}"].contains(separator)
    else { return nil }
    let likely = "\(mark.uppercased())-\(tag.dropFirst(2))"
    return TagScheme.parts(likely) == nil ? nil : likely
  }
}

/// How many letters have to be put in, taken out, changed or swapped with the next one to make one
/// name of another (optimal string alignment), as far as it is at most 1; 2 for all that is further.
func nameDistance(_ left: String, _ right: String) -> Int {
  var (a, b) = (Array(left)[...], Array(right)[...])
  while let first = a.first, first == b.first {
    a.removeFirst()
    b.removeFirst()
  }
  while let last = a.last, last == b.last {
    a.removeLast()
    b.removeLast()
  }
  if a.isEmpty, b.isEmpty { return 0 }
  if a.count <= 1, b.count <= 1 { return 1 }
  return a.count == 2 && b.count == 2 && Array(a) == b.reversed() ? 1 : 2
}
