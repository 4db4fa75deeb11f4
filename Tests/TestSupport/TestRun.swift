public import Training

/// What a test trains with: options that decide the result, and the rest.
public struct TestRun {
  /// What decides the result.
  public var options: TrainingOptions
  /// Threads and files.
  public var run = TrainingRun()

  /// These options, for so long, at a rate for small models.
  public init(_ options: TrainingOptions, _ budget: TrainingBudget, warmUp: Int) {
    self.options = options
    self.options.budget = budget
    self.options.rate = 0.01
    self.options.warmUp = warmUp
  }
}

extension TrainableModel {
  /// `train` with what a test trains with.
  @discardableResult
  public mutating func train(
    on data: TrainingData, validation: TrainingData? = nil, _ test: TestRun,
    report: (TrainingEvent) throws -> Void = { _ in },
    isStopped: @escaping () -> Bool = { false }
  ) throws -> TrainingEnd {
    var run = test.run
    run.isStopped = isStopped
    return try train(
      on: data, validation: validation, options: test.options, run: run, report: report)
  }

  /// The bits of all weights.
  public var weightBits: [UInt32] {
    weights.names.flatMap { weights.elements(of: $0) ?? [] }.map(\.bitPattern)
  }
}
