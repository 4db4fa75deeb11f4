public import Parameters

/// How long training lasts.
public enum TrainingBudget: Codable, Sendable, Equatable {
  /// This many changes of the weights.
  case updates(Int)
  /// This many times through the training part of the data.
  case epochs(Double)
  /// This long by the clock, over all resumed runs together.
  case minutes(Double)
}

/// How a model is trained, whatever its kind: what the command line sets and a checkpoint keeps.
public struct TrainingPlan: Codable, Sendable, Equatable {
  /// How long.
  public var budget: TrainingBudget = .epochs(10)
  /// The highest learning rate.
  public var rate = 3e-3
  /// The updates over which the rate rises to its highest.
  public var warmUp = 100
  /// The share of the highest rate that is left at the end of the cosine.
  public var finalRate = 0.02
  /// The rule of the updates.
  public var rule: OptimizerRule = .adamW()
  /// The weight decay, on matrices only.
  public var weightDecay = 0.1
  /// The largest norm of a gradient: longer ones are shortened to it.
  public var clip = 1.0
  /// Training ends after this many validations in a row without a better one; 0 for never.
  public var patience = 10
  /// The updates between validations; 0 for about eight times as much training as validating.
  public var validateEvery = 0
  /// The seed of weights, masks and order.
  public var seed: UInt64 = 1

  /// A plan with the defaults.
  public init() {}

  /// The learning rate of an update, at a point from 0 to 1 of the budget.
  ///
  /// It rises in a line over the warm-up and falls in a half cosine (Loshchilov and Hutter, SGDR,
  /// ICLR 2017).
  public func rate(update: Int, progress: Double) -> Double {
    let rise = min(1, Double(update + 1) / Double(max(1, warmUp)))
    let fall = finalRate + (1 - finalRate) * (1 + cosine(.pi * min(1, max(0, progress)))) / 2
    return rate * rise * fall
  }
}

/// cos x for x in [0, π], by its series about π / 2: no C library, and the same on every machine.
private func cosine(_ x: Double) -> Double {
  // cos x = -sin(x - π/2), and the series of sin converges fast within π/2.
  let y = x - .pi / 2
  var term = y
  var sum = y
  for k in stride(from: 2.0, through: 26, by: 2) {
    term *= -y * y / (k * (k + 1))
    sum += term
  }
  return -sum
}
