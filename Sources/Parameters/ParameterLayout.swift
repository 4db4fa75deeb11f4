internal import DenseMath

/// The names, shapes and places of all weights of a model in one flat block.
///
/// Layers declare their weights here when they are made and keep the handles; parameters,
/// gradients and moments of a model all have the same layout.
///
///     var layout = ParameterLayout()
///     let weight = layout.declare("output.weight", shape: [96, 512], as: .uniform(0.04))
///     let parameters = Parameters<Float>(layout, seed: 1)
public struct ParameterLayout: Sendable, Equatable {
  /// One weight: what it is called in files, its shape, where it starts, how it begins.
  public struct Entry: Sendable, Equatable {
    /// The name in files, such as `rnn.weight_ih_l0`.
    public let name: String
    /// One number for a vector, two (rows, columns) for a matrix.
    public let shape: [Int]
    /// The index of the first element in the block.
    public let offset: Int
    /// The elements.
    public let count: Int
    /// How a fresh model sets it.
    public let initializer: Initializer
    /// Whether products use it, so that a packed copy is kept.
    public let isFactor: Bool
    /// Whether a batch has gradients for few rows only, so that the others' steps can wait until
    /// they are read.
    public let isRowSparse: Bool
  }

  /// All weights in the order of their declaration.
  public private(set) var entries: [Entry] = []
  /// The elements of the block, with the gaps that keep every weight 64-byte aligned.
  public private(set) var count = 0

  /// An empty layout.
  public init() {}

  /// Adds a weight and returns its handle.
  ///
  /// `isFactor` says that matrix products use it: then a packed copy is kept up to date.
  /// `isRowSparse` says that a batch uses few of a matrix's rows: then it is read with
  /// `Workspace.rows(of:at:into:)` alone, its gradient is added to with
  /// `Workspace.addGradient(of:rows:at:)` alone, and an update changes only those rows. The others
  /// make up for it before they are next read, so that the result is that of any matrix.
  public mutating func declare(
    _ name: String, shape: [Int], as initializer: Initializer, isFactor: Bool = false,
    isRowSparse: Bool = false
  ) -> Weight {
    precondition(shape.count == 1 || shape.count == 2, "a weight is a vector or a matrix")
    precondition(!isRowSparse || shape.count == 2, "only a matrix has rows")
    precondition(!isRowSparse || !isFactor, "the gradient of a product's factor has all its rows")
    precondition(!entries.contains { $0.name == name }, "two weights are called \(name)")
    let size = shape.reduce(1, *)
    entries.append(
      Entry(
        name: name, shape: shape, offset: count, count: size, initializer: initializer,
        isFactor: isFactor, isRowSparse: isRowSparse))
    defer { count += (size + 15) & ~15 }
    return Weight(
      index: entries.count - 1, offset: count, rows: shape.count == 2 ? shape[0] : 1,
      columns: shape[shape.count - 1])
  }

  /// The number of weights that are learnt, without gaps.
  public var weightCount: Int { entries.reduce(0) { $0 + $1.count } }

  /// Stretches of at most 65,536 elements that each lie in one weight, in order.
  ///
  /// Sums over the block are made piece by piece, so that they do not depend on the threads.
  /// Row-sparse weights are cut at multiples of `rowGroup` rows, even if these are more elements.
  public func pieces() -> [(range: Range<Int>, entry: Int)] {
    let most = 1 << 16
    return entries.enumerated().flatMap { index, entry in
      let group = entry.isRowSparse ? Self.rowGroup * entry.shape[1] : 1
      let length = max(1, most / group) * group
      return stride(from: 0, to: entry.count, by: length).map { start in
        let first = entry.offset + start
        return (first..<first + min(length, entry.count - start), index)
      }
    }
  }

  /// The rows of a row-sparse weight whose marks share one word of memory, and so one thread.
  static let rowGroup = UInt64.bitWidth
}

/// A handle of one weight: which one, and where it lies.
///
/// A vector has one row.
public struct Weight: Sendable, Equatable {
  /// The number of the entry in the layout.
  public let index: Int
  /// The first element in the block.
  public let offset: Int
  /// The shape.
  public let rows, columns: Int
}

/// How a fresh model sets a weight.
public enum Initializer: Sendable, Equatable {
  /// Evenly from -bound to bound.
  case uniform(Double)
  /// All one number.
  case constant(Double)
  /// As the other initialiser says, but for one stretch that is set to `value`: a gate's bias.
  indirect case except(Range<Int>, value: Double, otherwise: Initializer)

  /// Evenly from -bound to bound, but for one stretch that is set to `value`.
  public static func uniformExcept(
    bound: Double, range: Range<Int>, value: Double
  ) -> Initializer { .except(range, value: value, otherwise: .uniform(bound)) }

  /// The value of element `index`, given a number drawn evenly from -1 to 1.
  func value(at index: Int, unit: () -> Double) -> Double {
    switch self {
    case .uniform(let bound): bound * unit()
    case .constant(let value): value
    case .except(let range, let value, let otherwise):
      range.contains(index) ? value : otherwise.value(at: index, unit: unit)
    }
  }
}
