internal import Files
internal import Parameters

extension TrainableModel {
  /// What must be the same in all processes that train together.
  func facts(
    of loop: TrainingLoop<Task>, _ run: TrainingRun
  ) -> [(name: String, value: String)] {
    guard run.group.count > 1 else { return [] }
    var facts = [(name: "the kind of model", value: Self.kind.name)]
    facts += Configuration.hyperparameters.compactMap { row in
      row.read(configuration).map { (row.name, $0.text) }
    }
    facts += Self.optionRows.compactMap { row in
      row.read(loop.options).map { (row.name, $0.text) }
    }
    facts.append(("the fingerprint of the data", loop.task.fingerprint.description))
    facts.append(("what training goes on with", run.files?.resumes == true ? "a run" : "nothing"))
    facts.append(
      ("how much longer it is to train", run.files?.additionalBudget.map { "\($0)" } ?? "as before")
    )
    return facts + loop.facts
  }

  /// Takes up a loop where its checkpoint left it, in all processes; what should be known of it.
  ///
  /// Throws what `RunStore.resume` throws, and `ProcessError.unlike` where the processes find different things.
  func resume(
    _ loop: TrainingLoop<Task>, from store: RunStore, with group: any ProcessGroup
  ) throws -> [String] {
    let notes: [String]
    do {
      notes = try store.resume(loop)
    } catch TrainingError.finished(let path) {
      // Another process may see other files, and have something to do.
      try group.demandAgreement(on: [("what is left to train", "nothing")])
      throw TrainingError.finished(path: path)
    }
    try group.demandAgreement(on: loop.facts)
    return notes
  }
}

extension TrainingLoop {
  /// What must be the same in all processes before the next update.
  var facts: [(name: String, value: String)] {
    func checksum(_ blocks: [Parameters<Float>]) -> String {
      var checksum = CRC32C()
      for block in blocks { checksum.add(UnsafeRawBufferPointer(block.elements)) }
      return checksum.digits
    }
    return [
      ("the number of updates made", "\(record.updates)"),
      ("the checksum of the weights", checksum([parameters, best] + (average.map { [$0] } ?? []))),
      ("the checksum of the optimiser's moments", checksum(optimizer.moments)),
      ("the checksum of the states of lanes", checksum(task.carried)),
    ]
  }
}
