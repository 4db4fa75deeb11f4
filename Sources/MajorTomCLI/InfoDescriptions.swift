import CommandLineModels
import MajorTom

/// What `majortom info` says of one path.
struct PathDescription {
  /// For people.
  let lines: [String]
  /// For programs: an object on one line.
  let json: String
}

/// What lies at a path: a model, a checkpoint, a run, or a folder of these.
///
/// Throws `FileError` for a file that is none of them, `InputError` for a folder without any.
func description(of path: String) throws -> PathDescription {
  if Folders.exists(path) {
    if let run = RunSummary(of: RunFiles(folder: path)) { return try description(of: run) }
    return try description(ofFolder: path)
  }
  if CheckpointSummary.isCheckpoint(path) {
    return try description(of: CheckpointSummary(contentsOf: path), path)
  }
  return description(of: try modelKind(of: path).init(contentsOf: path), path)
}

private func description(of model: any TrainableModel, _ path: String) -> PathDescription {
  let facts = model.describe().map { "\($0.label): \($0.text)" }
  let tensors = model.weights.names.map { name in
    let shape = model.weights.shape(of: name) ?? []
    return "  \(name)  \(shape.map(String.init).joined(separator: " x "))"
  }
  return PathDescription(
    lines: facts + tensors,
    json: "{\"path\":\(JSON.text(of: path)),\(model.jsonDescription.dropFirst())")
}

// MARK: Runs

private func description(of run: RunSummary) throws -> PathDescription {
  let files = RunFiles(folder: run.path)
  var lines = ["run: \(run.model), \(run.state.rawValue)", "data: \(run.data)"]
  if let record = run.record { lines += facts(of: record, unit: run.unit) }
  let places =
    [("model", files.model), ("checkpoint", files.checkpoint)]
    + (files.report.map { [("report", $0)] } ?? [])
  lines += places.filter { FileWriter.exists($0.1) }.map { "\($0.0): \($0.1)" }
  var json = "{\"run\":\(run.json.json)}"
  if FileWriter.exists(files.model) {
    let model = try description(of: files.model)
    lines += [""] + model.lines
    // An object of the model, as of its file alone, and what the run adds.
    json = "\(model.json.dropLast()),\"run\":\(run.json.json)}"
  }
  return PathDescription(lines: lines, json: json)
}

private func facts(of record: TrainingRecord, unit: String) -> [String] {
  var lines = ["trained: \(counted(record.updates, "update")), \(time(record.seconds))"]
  if let best = record.best {
    lines.append(
      "best validation: \(best.text(unit: unit)) at update \(grouped(record.bestUpdate))")
  }
  if record.retreats > 0 {
    lines.append("retreats to lower rates: \(grouped(record.retreats))")
  }
  if let end = record.end { lines.append("ended: \(end.rawValue)") }
  return lines
}

// MARK: Checkpoints

private func description(
  of checkpoint: CheckpointSummary, _ path: String
) throws -> PathDescription {
  guard let kind = modelKinds.first(where: { $0.kind.name == checkpoint.modelKind }) else {
    throw FileError.mismatch(
      path: path, found: "it is of a \(quoted(checkpoint.modelKind)), which majortom does not train"
    )
  }
  let settings = try settings(kind, checkpoint.configuration, path)
  let options = TrainingOptions.hyperparameters.compactMap { row in
    row.read(checkpoint.options).map { "\(row.name) \($0.text)" }
  }
  let record = checkpoint.record
  let unit = ["language-model": "char", "tagger": "word"][checkpoint.modelKind] ?? "token"
  let lines =
    ["checkpoint: of a \(kind.kind.title)"] + facts(of: record, unit: unit) + [
      "network: \(settings.joined(separator: ", "))",
      "training: \(options.joined(separator: ", "))",
      "weights: \(grouped(checkpoint.weights))",
    ] + (checkpoint.machine.map { ["written on a CPU with: \($0)"] } ?? [])
  let json = JSONValue.object([
    "path": .text(path), "kind": .text("checkpoint"), "model": .text(checkpoint.modelKind),
    "configuration": .raw(checkpoint.configuration),
    "options": .raw(JSON.text(of: checkpoint.options)),
    "record": .raw(JSON.text(of: record)), "weights": .whole(checkpoint.weights),
    "machine": checkpoint.machine.map { .text($0) } ?? .raw("null"),
  ])
  return PathDescription(lines: lines, json: json.json)
}

/// The settings of a network, as options name them.
private func settings<Model: TrainableModel>(
  _ type: Model.Type, _ json: String, _ path: String
) throws -> [String] {
  guard let configuration = try? JSON.value(Model.Configuration.self, from: json.utf8) else {
    throw FileError.malformed(path: path, found: "its configuration is damaged")
  }
  return Model.Configuration.hyperparameters.compactMap { row in
    row.read(configuration).map { "\(row.name) \($0.text)" }
  }
}

// MARK: Folders

/// The runs and the model files of a folder, each on a line.
private func description(ofFolder folder: String) throws -> PathDescription {
  let prefix = folder == "." ? "" : folder.hasSuffix("/") ? folder : folder + "/"
  let runs = foundRuns(in: folder)
  let files = Folders.names(in: folder).filter { $0.hasSuffix(".safetensors") }.map { prefix + $0 }
  guard !runs.isEmpty || !files.isEmpty else {
    throw InputError(
      description: "\(folder) is a folder without runs and without files that end in .safetensors")
  }
  var lines = runs.isEmpty ? [] : [table(runs)]
  var objects = runs.map(\.json.json)
  var rows: [[String]] = []
  for path in files {
    do {
      let model = try modelKind(of: path).init(contentsOf: path)
      rows.append(row(model, path))
      objects.append("{\"path\":\(JSON.text(of: path)),\(model.jsonDescription.dropFirst())")
    } catch {
      rows.append([path, "cannot be read", "", "", ""])
      objects.append(
        JSONValue.object(["path": .text(path), "error": .text("\(error)")]).json)
    }
  }
  if !rows.isEmpty {
    lines.append(aligned([["file", "kind", "network", "weights", "best validation"]] + rows))
  }
  return PathDescription(
    lines: [lines.map { String($0.dropLast()) }.joined(separator: "\n\n")],
    json: "{\"path\":\(JSON.text(of: folder)),\"holds\":[\(objects.joined(separator: ","))]}")
}

private func row<Model: TrainableModel>(_ model: Model, _ path: String) -> [String] {
  [
    path, Model.kind.title, model.networkText, grouped(model.weights.count),
    model.card.best?.text(unit: model.card.unit) ?? "-",
  ]
}

/// Rows with their columns below one another, as terminals show them.
func aligned(_ rows: [[String]]) -> String {
  let widths = (rows.first ?? []).indices.map { column in
    rows.reduce(0) { max($0, displayWidth(of: $1[column])) }
  }
  return rows.map { row in
    let cells = zip(row.dropLast(), widths).map { cell, width in
      cell + String(repeating: " ", count: width - displayWidth(of: cell))
    }
    let line = (cells + [row[row.count - 1]]).joined(separator: "  ")
    return String(line.reversed().drop { $0 == " " }.reversed()) + "\n"
  }.joined()
}
