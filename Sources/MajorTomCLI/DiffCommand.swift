import CommandLineModels
import CommandLineOptions
import Glibc
import MajorTom

/// The command `majortom diff A B`.
let diffCommand = Command(
  "diff", summary: "show in what two models differ", synopsis: "A B [OPTION...]",
  about: """
    Compares two models, given as files or runs: configuration, training, vocabulary and what else they
    know, and each weight: the size of the difference beside that of A's, and the largest of a single
    number. It ends with 0 where both are the same, and with 1 where they differ.
    """,
  options: [
    Option("top", "N", "How many differences of a part and how many weights to list (default: 20)"),
    jsonOption,
  ]
) { arguments in
  guard arguments.words.count == 2 else {
    throw UsageError("two models are needed: majortom diff A B")
  }
  let paths = try arguments.words.map(modelFile)
  let files = try paths.map { try SafetensorsFile(contentsOf: $0) }
  // Models whose parts make no sense are told as such.
  let models = try paths.map { try modelKind(of: $0).init(contentsOf: $0) as any TrainableModel }
  let most = try arguments.integer("top", in: 1...1_000_000) ?? 20
  let parts = PartDifference.all(files[0], files[1])
  let weights = WeightDifference.all(models[0].weights, models[1].weights)
  let differ = !parts.isEmpty || weights.contains { !$0.isSame }
  if arguments.has("json") {
    writeJSON([
      "a": .text(paths[0]), "b": .text(paths[1]), "same": .flag(!differ),
      "parts": .list(parts.map(\.json)), "weights": .list(weights.map(\.json)),
    ])
  } else {
    writeOutput(report(parts, weights, arguments.words, most: most))
  }
  if differ { exit(1) }
}

private func report(
  _ parts: [PartDifference], _ weights: [WeightDifference], _ paths: [String], most: Int
) -> String {
  let changed = weights.filter { !$0.isSame }
  guard !parts.isEmpty || !changed.isEmpty else {
    return "the same: \(counted(weights.count, "weight matrix", "weight matrices"))\n"
  }
  var text = "A: \(paths[0])\nB: \(paths[1])\n"
  for part in parts {
    text += "\n\(part.name)\n" + part.changes.prefix(most).map { "  \($0.text)\n" }.joined()
    if part.changes.count > most { text += "  and \(grouped(part.changes.count - most)) more\n" }
  }
  guard !changed.isEmpty else {
    return text + "\nweights: all \(grouped(weights.count)) matrices are the same\n"
  }
  text +=
    "\nweights: \(grouped(changed.count)) of \(counted(weights.count, "matrix", "matrices")) differ\n"
  let rows = changed.prefix(most).map { weight in ["  \(weight.name)"] + weight.cells }
  text += aligned([["  weight", "size in A", "of B - A", "relative", "largest"]] + rows)
  if changed.count > most { text += "  and \(grouped(changed.count - most)) more\n" }
  return text
}

/// A count with a noun whose plural is given.
private func counted(_ count: Int, _ noun: String, _ plural: String) -> String {
  "\(grouped(count)) \(count == 1 ? noun : plural)"
}

// MARK: Parts

/// In what a part of two files, such as their configuration, differs.
private struct PartDifference {
  /// One place: where it is, and what A and B have there; nil for nothing.
  struct Change {
    let place: String
    let a, b: String?

    var text: String {
      let name = place.isEmpty ? "" : "\(place): "
      return switch (a, b) {
      case (let a?, let b?): "\(name)\(quoted(a)) in A, \(quoted(b)) in B"
      case (let a?, nil): "\(name)only in A: \(quoted(a))"
      default: "\(name)only in B: \(quoted(b ?? ""))"
      }
    }
  }

  let name: String
  let changes: [Change]

  /// The parts that differ, by name, the configuration first.
  static func all(_ a: SafetensorsFile, _ b: SafetensorsFile) -> [PartDifference] {
    let others = Set(a.metadata.keys).union(b.metadata.keys).subtracting(["configuration"])
    let names = ["configuration"] + others.sorted()
    return names.compactMap { name in
      let (one, other) = (a.metadata[name], b.metadata[name])
      guard one != other else { return nil }
      let changes = changes(
        one.map(JSONTree.init(json:)), other.map(JSONTree.init(json:)), at: "")
      return changes.isEmpty ? nil : PartDifference(name: name, changes: changes)
    }
  }

  private static func changes(_ a: JSONTree?, _ b: JSONTree?, at place: String) -> [Change] {
    switch (a, b) {
    case (.object(let a), .object(let b)):
      return Set(a.keys).union(b.keys).sorted().flatMap { key in
        changes(a[key], b[key], at: place.isEmpty ? key : "\(place).\(key)")
      }
    case (.list(let a), .list(let b)):
      // What lists of tokens or tags have, not where: an order alone is one change.
      let (mine, theirs) = (a.map(\.text), b.map(\.text))
      let (inA, inB) = (Set(mine), Set(theirs))
      let changed =
        mine.filter { !inB.contains($0) }.map { Change(place: place, a: $0, b: nil) }
        + theirs.filter { !inA.contains($0) }.map { Change(place: place, a: nil, b: $0) }
      if changed.isEmpty, mine != theirs {
        return [Change(place: place, a: "one order", b: "another")]
      }
      return changed
    default:
      return a == b ? [] : [Change(place: place, a: a?.text, b: b?.text)]
    }
  }

  var json: JSONValue {
    .object([
      "part": .text(name),
      "changes": .list(
        changes.map { change in
          .object([
            "place": .text(change.place), "a": change.a.map { .text($0) } ?? .raw("null"),
            "b": change.b.map { .text($0) } ?? .raw("null"),
          ])
        }),
    ])
  }
}

/// JSON of any shape.
private enum JSONTree: Decodable, Equatable {
  case object([String: JSONTree])
  case list([JSONTree])
  case leaf(String)

  init(json: String) {
    self = (try? JSON.value(JSONTree.self, from: json.utf8)) ?? .leaf(json)
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .leaf("null")
    } else if let object = try? container.decode([String: JSONTree].self) {
      self = .object(object)
    } else if let list = try? container.decode([JSONTree].self) {
      self = .list(list)
    } else if let flag = try? container.decode(Bool.self) {
      self = .leaf(flag ? "yes" : "no")
    } else if let text = try? container.decode(String.self) {
      self = .leaf(text)
    } else if let number = try? container.decode(Int.self) {
      self = .leaf("\(number)")
    } else {
      self = .leaf("\(try container.decode(Double.self))")
    }
  }

  /// The value in a few words.
  var text: String {
    switch self {
    case .leaf(let text): text
    case .list(let items): "[" + items.prefix(20).map(\.text).joined(separator: ", ") + "]"
    case .object(let members):
      "{"
        + members.sorted { $0.key < $1.key }.prefix(20).map { "\($0.key): \($0.value.text)" }
        .joined(separator: ", ") + "}"
    }
  }
}

// MARK: Weights

/// How far apart two weights of the same name are.
private struct WeightDifference {
  /// What is known of it.
  enum Finding {
    /// Norms of A and of B - A, and the largest absolute value in B - A.
    case distance(size: Double, difference: Double, largest: Double)
    /// Shapes; nil where one has no such weight.
    case shapes([Int]?, [Int]?)
  }

  let name: String
  let finding: Finding

  var isSame: Bool {
    if case .distance(_, let difference, _) = finding { return difference == 0 }
    return false
  }

  /// All weights, in the order of A's file, then those that B alone has.
  static func all(_ a: ModelWeights, _ b: ModelWeights) -> [WeightDifference] {
    let known = Set(a.names)
    return (a.names + b.names.filter { !known.contains($0) }).map { name in
      let shapes = (a.shape(of: name), b.shape(of: name))
      guard shapes.0 == shapes.1, let mine = a.elements(of: name), let theirs = b.elements(of: name)
      else { return WeightDifference(name: name, finding: .shapes(shapes.0, shapes.1)) }
      var (square, difference, largest) = (0.0, 0.0, 0.0)
      for (x, y) in zip(mine, theirs) {
        let change = Double(y) - Double(x)
        square += Double(x) * Double(x)
        difference += change * change
        largest = max(largest, abs(change))
      }
      return WeightDifference(
        name: name,
        finding: .distance(
          size: square.squareRoot(), difference: difference.squareRoot(), largest: largest))
    }
  }

  /// What a table says of it beside its name.
  var cells: [String] {
    switch finding {
    case .distance(let size, let difference, let largest):
      [
        fixed(size, 3), fixed(difference, 3),
        size > 0 ? "\(fixed(100 * difference / size, 2)) %" : "-", scientific(largest),
      ]
    case .shapes(let a, let b):
      [
        a.map { $0.map(String.init).joined(separator: " x ") } ?? "not in A",
        b.map { $0.map(String.init).joined(separator: " x ") } ?? "not in B", "", "",
      ]
    }
  }

  var json: JSONValue {
    switch finding {
    case .distance(let size, let difference, let largest):
      .object([
        "weight": .text(name), "size": .number(size), "difference": .number(difference),
        "largest": .number(largest),
      ])
    case .shapes(let a, let b):
      .object(["weight": .text(name), "shape_a": shape(a), "shape_b": shape(b)])
    }
  }

  private func shape(_ shape: [Int]?) -> JSONValue {
    shape.map { .list($0.map { .whole($0) }) } ?? .raw("null")
  }
}
