internal import DenseMath

/// A task that a small recurrent network learns from examples drawn at random.
public protocol SequenceTask: Sendable {
  /// Its name on the command line.
  var name: String { get }
  /// The width of an input.
  var inputSize: Int { get }
  /// The width of an output.
  var outputSize: Int { get }
  /// What must hold on fresh examples for the task to count as learnt.
  var criterion: String { get }
  /// The sequences that were needed elsewhere, with the source.
  var published: String { get }
  /// How it is trained.
  var recipe: TaskRecipe { get }
  /// Whether a cell without gates is expected to fail within the same sequences.
  var defeatsElman: Bool { get }
  /// An example drawn from `random`.
  func example(_ random: inout TaskRandom) -> Example
  /// The examples that the criterion is tried on, drawn where they are not always the same.
  func probes(_ random: inout TaskRandom) -> [Example]
  /// Whether the network's outputs on fresh examples meet the criterion.
  func isLearnt(_ examples: [Example], outputs: [[[Float]]]) -> Bool
}

extension SequenceTask {
  /// The examples that the criterion is tried on: 256 fresh ones.
  public func probes(_ random: inout TaskRandom) -> [Example] {
    (0..<256).map { _ in example(&random) }
  }
}

/// How a task is trained.
public struct TaskRecipe: Sendable {
  /// The hidden units and the examples of one update.
  public var hiddenSize, batch: Int
  /// The learning rate of Adam.
  public var rate: Double
  /// The initial bias of forget gates.
  ///
  /// Near the logarithm of the lag, a gate forgets little over it: C. Tallec and Y. Ollivier, "Can
  /// recurrent neural networks warp time?" (ICLR 2018).
  public var forgetBias: Double
  /// The initial bias of input gates, or nil to draw it.
  public var inputBias: Double?
  /// The sequences after which training gives up.
  public var maxSequences: Int
  /// The sequences after which it begins anew with fresh weights; those before count all the same.
  public var sequencesPerStart: Int

  /// A recipe.
  public init(
    hiddenSize: Int, batch: Int, rate: Double, forgetBias: Double = 1, inputBias: Double? = nil,
    maxSequences: Int, sequencesPerStart: Int? = nil
  ) {
    self.hiddenSize = hiddenSize
    self.batch = batch
    self.rate = rate
    self.forgetBias = forgetBias
    self.inputBias = inputBias
    self.maxSequences = maxSequences
    self.sequencesPerStart = sequencesPerStart ?? maxSequences
  }
}

/// One sequence: an input a step, and what the output should be there.
public struct Example: Sendable {
  /// The inputs, [steps][inputSize].
  public var inputs: [[Float]]
  /// The targets, one a step.
  public var targets: [Target]
  /// For each step, the outputs that would be right; empty where any may be.
  public var legal: [Set<Int>]

  /// What an output should be.
  public enum Target: Sendable, Equatable {
    /// Anything.
    case any
    /// This class, by softmax cross entropy.
    case symbol(Int)
    /// This number, by squared error of the first output.
    case value(Float)
  }

  /// An empty sequence.
  public init() {
    inputs = []
    targets = []
    legal = []
  }

  /// Adds a step.
  public mutating func append(_ input: [Float], _ target: Target = .any, legal: Set<Int> = []) {
    inputs.append(input)
    targets.append(target)
    self.legal.append(legal)
  }
}

/// Random numbers in order, a function of seed and stream alone.
public struct TaskRandom: Sendable {
  private let random: CounterRandom
  private let stream: Int
  private var index = 0

  /// The numbers of a seed and a stream.
  public init(seed: UInt64, stream: Int) {
    random = CounterRandom(seed: seed, stream: .shuffle)
    self.stream = stream
  }

  /// The next number in [0, 1).
  public mutating func unit() -> Double {
    index += 1
    return random.uniform(step: stream, index: index)
  }

  /// The next whole number below a bound.
  public mutating func below(_ bound: Int) -> Int { Int(unit() * Double(bound)) }

  /// The next whole number in a range.
  public mutating func integer(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + below(range.count)
  }
}

/// A vector with a 1 in one place.
func oneHot(_ place: Int, of size: Int) -> [Float] {
  var vector = [Float](repeating: 0, count: size)
  vector[place] = 1
  return vector
}
