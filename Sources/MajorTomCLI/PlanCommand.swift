import CommandLineModels
import CommandLineOptions
import MajorTom

// The settings of a training that an update's time depends on.
private let optionRows = LanguageModel.optionRows.filter {
  ["batch", "shards", "steps", "precision", "gradient-precision", "optimizer"].contains($0.name)
}

/// The command `majortom plan`.
let planCommand = Command(
  "plan", summary: "tell how long an update of training would take on many machines",
  synopsis: "[OPTION...]",
  about: """
    Tells how long an update of a language model's training would take with more and more processes (mpirun \
    majortom train lm): what they share, and what the exchange of gradients costs over a network. The parts of an \
    update are measured here, on tokens drawn at random; processes are taken to run on machines like this one. \
    Without --shards, a batch is cut into as many as all processes have threads, as far as it has lanes.
    """,
  options: [
    Option("processes", "N", "Up to so many processes (default: 64)"),
    Option("bandwidth", "B", "What a machine sends in a second, such as 1.25GB (default: 10Gbit)"),
    Option("latency", "T", "Until a message arrives, such as 2ms (default: 50us)"),
    Option("per-machine", "N", "Processes on a machine (default: 1)"),
    Option("tokens", "N", "Tokens of the vocabulary (default: 256)"),
    Option("seconds", "S", "About how long to measure each number of shards (default: 1)"),
  ] + LanguageModel.Configuration().options(chosenByRecipe: [])
    + optionRows.map { $0.option(defaultsFrom: LanguageModel.defaultOptions, chosenByRecipe: []) }
    + [
      Option("threads", "N", "Threads of a process (default: its share of the cores)"), jsonOption,
    ]
) { arguments in
  let processes = try arguments.integer("processes", in: 1...65536) ?? 64
  let perMachine = try arguments.integer("per-machine", in: 1...1024) ?? 1
  let threads = try arguments.threads() ?? max(1, Shards.processors / perMachine)
  var plan = ClusterPlan(
    bandwidth: try arguments.quantity("bandwidth", .bandwidth) ?? 1.25e9,
    latency: try arguments.quantity("latency", .duration, mayBeZero: true) ?? 50e-6,
    threads: threads, cores: Shards.processors)
  plan.perMachine = perMachine
  let planner = try Planner(arguments, plan)
  let rows = try planner.rows(upTo: processes)
  if arguments.has("json") { return rows.forEach { writeJSON($0.json) } }
  writeOutput(planner.table(rows, upTo: processes))
}

/// Measures updates, and lays them out over processes.
private struct Planner {
  let plan: ClusterPlan
  let model: LanguageModel
  let options: TrainingOptions
  let tokens: EncodedCorpus
  let seconds: Double

  init(_ arguments: ParsedArguments, _ plan: ClusterPlan) throws {
    self.plan = plan
    seconds = try arguments.number("seconds", in: 0...3600) ?? 1
    let size = try arguments.integer("tokens", in: 256...20_000) ?? 256
    let configuration = try arguments.applied(to: LanguageModel.Configuration())
    var options = try arguments.applied(to: LanguageModel.defaultOptions, optionRows)
    options.validation = 0
    let batch = options.batch ?? 32
    guard batch * options.steps <= 10_000_000 else {
      throw UsageError(
        "--batch \(batch) and --steps \(options.steps): expected at most 10,000,000 tokens in an update"
      )
    }
    self.options = options
    // Any text of so many characters, each of which stands there as often as the others.
    let text = String(
      String.UnicodeScalarView((256..<size).compactMap { Unicode.Scalar(0x4D00 + $0) }))
    let vocabulary = try Vocabulary(
      counting: Segmentation(unit: .codePoint), in: Corpus(text: text.isEmpty ? "a" : text),
      maximumSize: size)
    model = try LanguageModel(configuration, vocabulary: vocabulary)
    let count = vocabulary.count
    tokens = EncodedCorpus(
      ids: (0..<3 * batch * options.steps).map { ($0 &* 2_654_435_761) >> 16 % count },
      vocabularyCount: count)
  }

  /// An update by some processes.
  struct Row {
    let processes: Int
    let shards: Int
    let update: ClusterPlan.Update
    /// The seconds of one process.
    let alone: Double

    var speedup: Double { alone / update.seconds }
    var efficiency: Double { speedup / Double(processes) }

    var json: KeyValuePairs<String, JSONValue> {
      [
        "processes": .whole(processes), "shards": .whole(shards),
        "seconds": .number(update.seconds), "compute": .number(update.compute),
        "sum": .number(update.sum), "exchange": .number(update.exchange),
        "change": .number(update.change), "speedup": .number(speedup),
        "efficiency": .number(efficiency),
      ]
    }
  }

  /// The rows for 1, 2, 4 and so on processes, as far as each has a shard.
  func rows(upTo most: Int) throws -> [Row] {
    var counts = Array(sequence(first: 1) { 2 * $0 < most ? 2 * $0 : nil })
    if most > 1 { counts.append(most) }
    var timings: [Int: UpdateTiming] = [:]
    var rows: [Row] = []
    let bar = ProgressBar("measuring updates")
    defer { bar.end() }
    for (number, count) in counts.enumerated() {
      guard let shards = shards(for: count) else { break }
      bar.update(Double(number) / Double(counts.count))
      var options = options
      options.shards = shards
      let timing =
        try timings[shards]
        ?? model.updateTiming(on: tokens, options: options, threads: plan.threads, for: seconds)
      timings[shards] = timing
      guard let update = plan.update(timing, processes: count) else { break }
      rows.append(
        Row(
          processes: count, shards: shards, update: update,
          alone: rows.first?.alone ?? update.seconds))
    }
    return rows
  }

  /// The shards of a batch for so many processes; nil where there are too few.
  private func shards(for processes: Int) -> Int? {
    if let shards = options.shards { return shards >= processes ? shards : nil }
    var resolved = options
    LanguageModel.resolve(&resolved, for: tokens)
    var shards = resolved.shards ?? 1
    while shards < processes * plan.threads { shards *= 2 }
    let batch = options.batch ?? 32
    return batch >= processes ? min(shards, batch) : nil
  }

  // MARK: Text

  func table(_ rows: [Row], upTo most: Int) -> String {
    let heads = [
      "processes", "shards", "ms/update", "compute", "sum", "exchange", "change", "speedup",
      "efficiency",
    ]
    let cells = rows.map { row in
      [grouped(row.processes), grouped(row.shards)]
        + [
          row.update.seconds, row.update.compute, row.update.sum, row.update.exchange,
          row.update.change,
        ].map { fixed(1e3 * $0, 2) }
        + [fixed(row.speedup, 2), fixed(100 * row.efficiency, 0) + " %"]
    }
    let widths = heads.indices.map { column in
      ([heads] + cells).reduce(0) { max($0, $1[column].utf8.count) }
    }
    let lines = ([heads] + cells).map { line in
      zip(line, widths).map { String(repeating: " ", count: $1 - $0.utf8.count) + $0 }
        .joined(separator: "  ")
    }
    return """
      \(model.networkText), \(grouped(model.network.layout.count)) weights; \(options.batch ?? 32) lanes \
      of \(options.steps) tokens
      a process: \(counted(plan.threads, "thread")), measured on \(counted(plan.cores, "core")); \
      \(plan.perMachine) on a machine; \(fixed(plan.bandwidth / 1e6, 1)) MB/s, \
      \(fixed(plan.latency * 1e6, 1)) us
      \(lines.joined(separator: "\n"))
      \(conclusion(rows, upTo: most))

      """
  }

  private func conclusion(_ rows: [Row], upTo most: Int) -> String {
    guard let best = rows.min(by: { $0.update.seconds < $1.update.seconds }), let last = rows.last
    else { return "" }
    let enough = rows.first { $0.update.seconds <= best.update.seconds / 0.9 }
    var sentences = [
      best.processes > 1
        ? "shortest: \(grouped(best.processes)) processes, \(fixed(best.speedup, 1)) times as fast as one"
        : "shortest: one process"
    ]
    if let enough, enough.processes < best.processes {
      sentences.append(
        "more machines stop helping at \(grouped(enough.processes)) processes: "
          + "\(grouped(best.processes)) save less than a tenth of its time")
    }
    if last.processes < most {
      sentences.append(
        options.shards.map { "\(grouped($0)) shards are for \(grouped($0)) processes at most" }
          ?? "a batch of \(grouped(options.batch ?? 32)) lanes has a shard for \(grouped(options.batch ?? 32)) processes at most"
      )
    }
    return sentences.joined(separator: "\n")
  }
}
