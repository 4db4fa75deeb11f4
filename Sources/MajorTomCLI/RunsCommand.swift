import CommandLineModels
import CommandLineOptions
import MajorTom

/// The command `majortom runs [FOLDER]`.
let runsCommand = Command(
  "runs", summary: "list the runs of a folder with their figures", synopsis: "[FOLDER] [OPTION...]",
  about: "Lists the runs that lie in FOLDER, or here, the best of each kind first.",
  options: [jsonOption]
) { arguments in
  guard arguments.words.count <= 1 else {
    throw UsageError("one folder at a time: majortom runs [FOLDER]")
  }
  let folder = arguments.words.first ?? "."
  guard Folders.exists(folder) else { throw UsageError("\(folder): there is no such folder") }
  let runs = foundRuns(in: folder)
  guard !arguments.has("json") else {
    return writeOutput(runs.map { $0.json.json + "\n" }.joined())
  }
  guard !runs.isEmpty else {
    return writeOutput("no run in \(folder): majortom train makes one\n")
  }
  writeOutput(table(runs))
}

/// The runs in a folder, or the run that the folder is, by kind and result.
func foundRuns(in folder: String) -> [RunSummary] {
  let prefix = folder == "." ? "" : folder.hasSuffix("/") ? folder : folder + "/"
  let below = Folders.names(in: folder).map { prefix + $0 }.filter(Folders.exists)
  let runs = ([folder] + below).compactMap { RunSummary(of: RunFiles(folder: $0)) }
  return runs.sorted { one, other in
    if one.model != other.model { return one.model < other.model }
    guard let best = one.record?.best else {
      return other.record?.best == nil && one.path < other.path
    }
    guard let others = other.record?.best else { return true }
    guard others.metric == best.metric else { return "\(best.metric)" < "\(others.metric)" }
    return best.isBetter(than: others) || best == others && one.path < other.path
  }
}

func table(_ runs: [RunSummary]) -> String {
  let rows =
    [["run", "model", "state", "steps", "time", "best validation", "data"]]
    + runs.map { run in
      [
        run.path, run.model, run.state.rawValue, run.record.map { grouped($0.updates) } ?? "-",
        run.record.map { time($0.seconds) } ?? "-",
        run.record?.best.map { $0.text(unit: run.unit) } ?? "-", run.data,
      ]
    }
  return aligned(rows)
}

extension RunSummary {
  var json: JSONValue {
    .object([
      "run": .text(path), "model": .text(model), "state": .text(state.rawValue),
      "updates": .whole(record?.updates ?? 0), "seconds": .number(record?.seconds ?? .nan),
      "metric": .text(record?.best?.metric.name ?? ""),
      "best_validation": .number(record?.best?.value ?? .nan),
      "best_update": .whole(record?.bestUpdate ?? 0), "data": .text(data),
    ])
  }
}
