public import DenseMath
public import Parameters

/// The parts of a model besides its network: vocabularies, a tag set, a calibration: whatever
/// changes what the model does.
public protocol ModelParts: Sendable {
  /// Reads the parts from a file, their names behind a prefix.
  ///
  /// Throws `FileError` for parts that are missing or damaged.
  init(from file: ModelFileReader, prefix: String) throws

  /// Adds the parts to a file, their names behind a prefix.
  func write(to file: inout ModelFileContents, prefix: String)

  /// The same parts, their own weights rounded to a precision where they have any.
  func quantized(to precision: ProductPrecision) -> Self
}

extension ModelParts {
  /// There are no weights in them.
  public func quantized(to precision: ProductPrecision) -> Self { self }
}

/// The network of a model: what its weights are called, and their shapes.
public protocol ModelNetwork: Sendable {
  /// The weights' names and shapes.
  var layout: ParameterLayout { get }

  /// Changes fresh weights where an initialiser alone does not say how they begin.
  func adjust(_ parameters: Parameters<Float>)
}

extension ModelNetwork {
  /// Initialisers say all.
  public func adjust(_ parameters: Parameters<Float>) {}
}

/// What every model is made of: configuration, parts, network, weights, and where they come from.
///
/// It is a value; copies share memory that nobody writes to.
public struct ModelCore<Model: TrainableModel>: Sendable {
  /// The size and shape of the network.
  public private(set) var configuration: Model.Configuration
  /// Vocabularies and the like.
  public internal(set) var parts: Model.Parts
  /// Where it comes from.
  public internal(set) var card: ModelCard
  /// The network.
  public private(set) var network: Model.Network
  /// The weights.
  public internal(set) var weights: ModelWeights
  /// The precision that files of the model have; below Float the weights are rounded to it.
  public private(set) var filePrecision = ProductPrecision.float32
  /// The precision of matrix products in use: by default that of the file.
  public private(set) var precision: ProductPrecision
  /// The workspaces that validation and inference run on.
  public private(set) var workspaces: WorkspacePool<Float>

  /// A fresh model, its weights drawn from a seed.
  ///
  /// Throws `HyperparameterError` for a configuration that makes no network, and
  /// `TrainingError.tooLarge` for one that memory cannot hold.
  public init(_ configuration: Model.Configuration, parts: Model.Parts, seed: UInt64) throws {
    try configuration.validate()
    let network = try Model.makeNetwork(configuration, parts: parts)
    // The weights, and the packed copy that products read.
    try MemoryEstimate.demand(network.layout, blocks: 2)
    let fresh = Parameters<Float>(network.layout, seed: seed)
    network.adjust(fresh)
    self.init(
      configuration, parts: parts, card: ModelCard(), network: network,
      weights: ModelWeights(fresh))
  }

  /// A model from a file.
  ///
  /// Throws `FileError` for parts or weights that are missing or damaged.
  public init(from file: ModelFileReader, prefix: String = "") throws {
    let configuration: Model.Configuration = try file.part(prefix + "configuration")
    let parts = try Model.Parts(from: file, prefix: prefix)
    let network: Model.Network
    do {
      network = try Model.makeNetwork(configuration, parts: parts)
    } catch {
      throw file.malformed("\(error)")
    }
    self.init(
      configuration, parts: parts,
      card: try file.card(
        prefix: prefix, metric: Model.metric(for: parts), defaults: Model.defaultOptions),
      network: network, weights: try file.weights(network.layout, prefix: prefix))
    if file.has(prefix + "precision") {
      filePrecision = try file.part(prefix + "precision")
      use(filePrecision)
    }
  }

  private init(
    _ configuration: Model.Configuration, parts: Model.Parts, card: ModelCard,
    network: Model.Network, weights: ModelWeights
  ) {
    self.configuration = configuration
    self.parts = parts
    self.card = card
    self.network = network
    self.weights = weights
    precision = .float32
    workspaces = WorkspacePool(weights.block, precision: .float32)
  }

  /// Adds all of the model to a file, names behind a prefix.
  public func write(to file: inout ModelFileContents, prefix: String = "") {
    file.add(configuration, as: prefix + "configuration")
    parts.write(to: &file, prefix: prefix)
    file.add(card, as: prefix + "card")
    // Files in Float say nothing of it, as those of earlier versions did not.
    if filePrecision != .float32 { file.add(filePrecision, as: prefix + "precision") }
    file.add(weights, prefix: prefix, precision: filePrecision)
  }

  /// Changes the weights of a model that nobody else has seen yet.
  package mutating func changeFresh(_ change: (Parameters<Float>, Model.Network) -> Void) {
    let copy = weights.block.copy()
    change(copy, network)
    adopt(ModelWeights(copy))
  }

  /// Notes the recipe that chose settings of the model.
  package mutating func follow(_ recipe: Recipe?) { card.recipe = recipe }

  /// Changes the parts: what is found out after training, and does not change the network.
  public mutating func changeParts(_ change: (inout Model.Parts) -> Void) { change(&parts) }

  /// Takes another configuration of the same weights, such as one with other dropouts.
  ///
  /// Throws `HyperparameterError` for one that makes no network, or one of other weights.
  mutating func reconfigure(_ configuration: Model.Configuration) throws {
    try configuration.validate()
    let network = try Model.makeNetwork(configuration, parts: parts)
    let (mine, theirs) = (self.network.layout.entries, network.layout.entries)
    guard mine.map(\.name) == theirs.map(\.name), mine.map(\.shape) == theirs.map(\.shape) else {
      throw HyperparameterError(
        name: "configuration", found: "", reason: "it needs other weights than the model has")
    }
    self.configuration = configuration
    self.network = network
  }

  /// Rounds the weights to a precision, which files and products have from now on.
  mutating func quantize(to precision: ProductPrecision) {
    weights = weights.rounded(to: precision)
    parts = parts.quantized(to: precision)
    filePrecision = precision
    use(precision)
  }

  /// Takes other weights of the same layout, in Float.
  mutating func adopt(_ weights: ModelWeights) {
    self.weights = weights
    if filePrecision != .float32 { (filePrecision, precision) = (.float32, .float32) }
    use(precision)
  }

  /// Takes another precision for the products of matrices from now on.
  public mutating func use(_ precision: ProductPrecision) {
    self.precision = precision
    workspaces = WorkspacePool(weights.block, precision: precision)
  }
}

/// How much memory a network takes.
public enum MemoryEstimate {
  /// The bytes of training: the model's own block, the one in training, the best, two moments, a
  /// gradient a shard, and packed copies for both directions.
  public static func training(_ layout: ParameterLayout, shards: Int) -> Int {
    bytes(layout, blocks: 8 + shards)
  }

  private static func bytes(_ layout: ParameterLayout, blocks: Int) -> Int {
    let (bytes, overflow) = layout.count.multipliedReportingOverflow(by: 4 * blocks)
    return overflow ? .max : bytes
  }

  /// Throws `TrainingError.tooLarge` unless the machine holds so many blocks of Floats the size of
  /// the weights.
  static func demand(_ layout: ParameterLayout, blocks: Int) throws(TrainingError) {
    try demand(bytes(layout, blocks: blocks), for: layout)
  }

  static func demand(_ needed: Int, for layout: ParameterLayout) throws(TrainingError) {
    if let memory = SystemMemory.bytes, needed > memory {
      throw .tooLarge(weights: layout.weightCount, needed: needed, memory: memory)
    }
  }
}
