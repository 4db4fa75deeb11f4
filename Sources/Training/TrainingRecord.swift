/// The counts and results of a run that a checkpoint keeps.
public struct TrainingRecord: Codable, Sendable, Equatable {
  /// How often a run goes back to its last good weights before it gives up.
  public static let mostRetreats = 3

  /// The updates made.
  public var updates = 0
  /// The seconds trained, validation included.
  public var seconds = 0.0
  /// The best validation.
  public var best: Validation?
  /// The update of the best validation.
  public var bestUpdate = 0
  /// The update of the last validation.
  public var lastValidation = 0
  /// The validations since the best one.
  public var validationsSinceBest = 0
  /// The update whose weights a run goes back to where it diverges.
  public var goodUpdate = 0
  /// How often the run went back to its last good weights.
  public var retreats = 0
  /// The update at which moments and warm-up last began anew.
  public var restartedAt = 0
  /// How many validations the average of the weights has seen.
  public var averaged = 0
  /// How the run ended; nil for one that has not.
  public var end: TrainingEnd?

  /// A record of nothing yet.
  public init() {}

  /// Reads a record; what records of earlier versions do not have is as in one of nothing.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    updates = try values.decode(Int.self, forKey: .updates)
    seconds = try values.decode(Double.self, forKey: .seconds)
    best = try values.decodeIfPresent(Validation.self, forKey: .best)
    bestUpdate = try values.decode(Int.self, forKey: .bestUpdate)
    lastValidation = try values.decode(Int.self, forKey: .lastValidation)
    validationsSinceBest = try values.decode(Int.self, forKey: .validationsSinceBest)
    goodUpdate = try values.decodeIfPresent(Int.self, forKey: .goodUpdate) ?? bestUpdate
    retreats = try values.decodeIfPresent(Int.self, forKey: .retreats) ?? 0
    restartedAt = try values.decodeIfPresent(Int.self, forKey: .restartedAt) ?? 0
    averaged = try values.decodeIfPresent(Int.self, forKey: .averaged) ?? 0
    end = try values.decodeIfPresent(TrainingEnd.self, forKey: .end)
  }

  /// What is left of the learning rate after the retreats.
  var rateFactor: Double { 1 / Double(1 << retreats) }

  /// Whether a run can have come to these counts, as a damaged file's may not.
  var isSound: Bool {
    let counts = 0...1 << 53
    return counts.contains(updates) && (0...updates).contains(bestUpdate)
      && (0...updates).contains(lastValidation) && (0...updates).contains(validationsSinceBest)
      && (0...updates).contains(goodUpdate) && (0...updates).contains(restartedAt)
      && (0...updates).contains(averaged) && (0...Self.mostRetreats).contains(retreats)
      && (0...1e12).contains(seconds)
      && best?.value.isNaN != true
  }
}
