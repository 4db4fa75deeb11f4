import CommandLineModels
import CommandLineOptions
import Experiments
import Glibc
import MajorTom

/// The command `majortom selftest`.
let selfTestCommand = Command(
  "selftest", summary: "learn the tasks by which LSTM was introduced",
  synopsis: "[OPTION...]",
  about: "Learns the tasks by which LSTM was introduced, and counts the sequences it needs.",
  options: [
    Option(
      "task", "NAME",
      "Only this one: \(SelfTest.tasks().map(\.name).joined(separator: ", "))"),
    Option("cell", "CELL", "The cell (default: lstm)"),
    Option("seed", "S", "Only this seed"),
    Option("seeds", "N", "Seeds 1 to N (default: 5)"),
    Option("lag", "N", "Another distance, in tasks that have one"),
    Option(flag: "speed", "Time the cells instead of testing them"),
    Option("hidden", "N", "With --speed: units (default: 512)"),
    Option("threads", "N", "Threads; does not change results (default: all)"),
    Option(flag: "json", "JSON on standard output"),
  ]
) { arguments in
  let names = SelfTest.tasks().map(\.name)
  if arguments.has("speed") {
    let cells = try arguments.cell().map { [$0] } ?? CellKind.builtIn
    return timeCells(
      cells, hiddenSize: try arguments.integer("hidden", in: 1...8192) ?? 512,
      json: arguments.has("json"))
  }
  var tasks = SelfTest.tasks(lag: try arguments.integer("lag", in: 2...100_000))
  if let name = arguments.text("task") {
    tasks = tasks.filter { $0.name == name }
    guard !tasks.isEmpty else {
      let nearest = nearestName(to: name, among: names).map { "; did you mean \($0)?" } ?? ""
      throw UsageError("--task \(name): expected one of \(names.joined(separator: ", "))\(nearest)")
    }
  }
  let cell = try arguments.cell() ?? .lstm
  let seeds =
    try arguments.integer("seed", in: 0...Int.max).map { [UInt64($0)] }
    ?? (1...UInt64(try arguments.integer("seeds", in: 1...1000) ?? 5)).map { $0 }
  let threads = try arguments.integer("threads", in: 1...1024)
  let json = arguments.has("json")
  var failures = 0
  if !arguments.has("task") {
    failures += checkGradients(of: arguments.has("cell") ? [cell] : CellKind.builtIn, json: json)
  }
  for task in tasks {
    failures += try run(
      task, cell: cell, seeds: seeds, threads: threads, json: json, mustPass: true)
    if task.defeatsElman, !arguments.has("cell") {
      // Shown for the contrast: that it fails is no failure.
      _ = try run(task, cell: .elman, seeds: seeds, threads: threads, json: json, mustPass: false)
    }
  }
  if failures > 0 {
    throw SelfTestFailure(
      description:
        "\(counted(failures, "check")) failed: seeds that missed their criterion, or gradients")
  }
}

/// Prints how long each cell takes, beside copying the memory that it must touch.
private func timeCells(_ cells: [CellKind], hiddenSize: Int, json: Bool) {
  let (batch, steps) = (16, 64)
  if !json {
    writeOutput(
      """
      nanoseconds per unit, sequence and step: \(hiddenSize) units, batch \(batch), \(steps) steps, \
      one thread
      copy: as many bytes as the cell function reads and writes
                         copy     cell     back    layer     back

      """)
  }
  for cell in cells {
    let timing = CellTiming(of: cell, hiddenSize: hiddenSize, batch: batch, steps: steps)
    if json {
      writeJSON([
        "cell": .text(cell.description), "hidden": .whole(hiddenSize), "batch": .whole(batch),
        "steps": .whole(steps), "copy": .number(timing.copy),
        "cell_forward": .number(timing.cellForward),
        "cell_backward": .number(timing.cellBackward), "layer": .number(timing.layerForward),
        "layer_backward": .number(timing.layerBackward),
      ])
      continue
    }
    let columns = [
      timing.copy, timing.cellForward, timing.cellBackward, timing.layerForward,
      timing.layerBackward,
    ].map {
      let text = fixed($0, 2)
      return String(repeating: " ", count: max(1, 9 - text.count)) + text
    }
    let padding = String(repeating: " ", count: max(1, 20 - cell.description.count))
    writeOutput(cell.description + padding + columns.joined() + "\n")
  }
}

/// Checks the gradients of cells, combinators and attention, and returns how many are wrong.
private func checkGradients(of cells: [CellKind], json: Bool) -> Int {
  var failures = 0
  let bar = ProgressBar("checking gradients")
  defer { bar.end() }
  func check(_ name: String, _ worst: (UInt64) -> Double) {
    bar.update(nil, name)
    let error = (1...3).map { worst($0) }.reduce(0, max)
    let isSound = error < GradientCheck.tolerance
    failures += isSound ? 0 : 1
    if json {
      writeJSON(["gradient": .text(name), "error": .number(error), "passed": .flag(isSound)])
    } else {
      writeOutput(
        "\(isSound ? "ok  " : "FAIL")  gradients of \(name): largest error \(scientific(error))\n")
    }
  }
  for cell in cells {
    check(cell.description) { GradientCheck.worstError(of: cell, seed: $0) }
    check("\(cell.description), residual, with dropout and zoneout") {
      GradientCheck.worstError(of: cell, combined: true, seed: $0)
    }
  }
  for score in Attention.Score.allCases {
    check("\(score.rawValue) attention") { GradientCheck.worstError(of: score, seed: $0) }
  }
  return failures
}

/// Runs one task, prints its row, and returns how many seeds missed a criterion they must meet.
private func run(
  _ task: any SequenceTask, cell: CellKind, seeds: [UInt64], threads: Int?, json: Bool,
  mustPass: Bool
) throws -> Int {
  let clock = ContinuousClock()
  let start = clock.now
  let outcomes = try withProgress("\(task.name), \(cell.description)") { bar in
    bar.update(nil, "seed 1 of \(seeds.count)")
    return try SelfTest.run(
      task, cell: cell, seeds: seeds, threads: threads, progress: bar.report)
  }
  let seconds = (clock.now - start) / .seconds(1)
  let used = outcomes.compactMap(\.sequences)
  let failures = mustPass ? outcomes.count - used.count : 0
  if json {
    writeJSON([
      "task": .text(task.name), "cell": .text(cell.description), "seeds": .whole(outcomes.count),
      "passed": .whole(used.count), "sequences": .list(used.map { .whole($0) }),
      "criterion": .text(task.criterion), "published": .text(task.published),
      "seconds": .number(seconds),
    ])
    return failures
  }
  let mark = failures > 0 ? "FAIL" : mustPass ? "ok  " : "    "
  let counts = outcomes.map {
    $0.sequences.map(grouped) ?? "not in \(grouped(task.recipe.maxSequences))"
  }
  var lines = [
    """
    \(mark)  \(task.name): \(cell.description), \(used.count) of \(counted(outcomes.count, "seed")), \
    \(fixed(seconds, 1)) s; sequences: \(counts.joined(separator: ", "))
    """
  ]
  if mustPass {
    lines.append("        criterion: \(task.criterion)")
    lines.append("        published: \(task.published)")
  }
  writeOutput(lines.joined(separator: "\n") + "\n")
  return failures
}

/// Seeds that did not meet a criterion.
private struct SelfTestFailure: Error, CustomStringConvertible {
  let description: String
}
