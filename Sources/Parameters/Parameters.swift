public import DenseMath
internal import Glibc

/// One flat block of numbers in a layout: the weights of a model, or their gradients, moments or
/// averages.
///
/// It is a class, so that nothing copies tens of megabytes unseen; `copy()` does so on purpose.
///
/// Only this package writes to it (weights come from files, initialisers and training), so no program
/// that holds a model can change it under another copy.
///
/// It is `Sendable` under one rule: only its maker writes to it, and only while no other thread
/// reads it. Training keeps the rule by changing weights between the runs of the shards; a trained
/// model never changes its own block, training works on a copy.
public final class Parameters<S: Real>: @unchecked Sendable {
  /// Names, shapes and places.
  public let layout: ParameterLayout
  /// The first element.
  package let base: UnsafeMutablePointer<S>

  /// A block of zeros.
  public init(_ layout: ParameterLayout) {
    self.layout = layout
    let size = max(64, layout.count * MemoryLayout<S>.stride)
    let bytes = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
    // Zero bytes are the number 0 in both types, and far faster than setting numbers.
    memset(bytes, 0, size)
    base = bytes.bindMemory(to: S.self, capacity: layout.count)
  }

  /// Fresh weights, as their initialisers say; the same for the same seed.
  public convenience init(_ layout: ParameterLayout, seed: UInt64) {
    self.init(layout)
    let random = CounterRandom(seed: seed, stream: .weights)
    for (index, entry) in layout.entries.enumerated() {
      for i in 0..<entry.count {
        base[entry.offset + i] = S(
          entry.initializer.value(at: i) { 2 * random.uniform(step: index, index: i) - 1 })
      }
    }
  }

  deinit { base.deallocate() }

  /// The weight's elements.
  package subscript(weight: Weight) -> Matrix<S> {
    Matrix(base + weight.offset, rows: weight.rows, columns: weight.columns)
  }

  /// All elements, gaps and all.
  package var elements: UnsafeMutableBufferPointer<S> {
    UnsafeMutableBufferPointer(start: base, count: layout.count)
  }

  /// The elements of one entry of the layout.
  package func elements(of entry: ParameterLayout.Entry) -> UnsafeMutableBufferPointer<S> {
    UnsafeMutableBufferPointer(start: base + entry.offset, count: entry.count)
  }

  /// A block of its own with the same numbers.
  public func copy() -> Parameters {
    let copy = Parameters(layout)
    copy.assign(self)
    return copy
  }

  /// Takes over the numbers of a block with the same layout.
  package func assign(_ other: Parameters) {
    precondition(other.layout.count == layout.count)
    base.update(from: other.base, count: layout.count)
  }

  /// Moves all elements towards those of `other`, by a part of the way from 0 to 1.
  package func approach(_ other: Parameters, by part: S) {
    precondition(other.layout.count == layout.count)
    for index in 0..<layout.count {
      base[index] += part * (other.base[index] - base[index])
    }
  }

  /// Sets all elements to 0.
  package func clear() { memset(base, 0, layout.count * MemoryLayout<S>.stride) }

  /// The name of the first weight that holds a NaN or an infinity.
  public var firstNotFinite: String? {
    // A sum of squares in Double is finite exactly when all the Floats in it are.
    layout.entries.first { !S.sumOfSquares(base + $0.offset, count: $0.count).isFinite }?.name
  }

  /// The first weight whose absolute value is larger than a bound, with its name; nil for none.
  package func firstLarger(than bound: S) -> (name: String, value: S)? {
    for entry in layout.entries {
      // Only where their squares exceed the bound's together can one of them alone.
      guard S.sumOfSquares(base + entry.offset, count: entry.count) > Double(bound) * Double(bound)
      else { continue }
      for place in 0..<entry.count where abs(base[entry.offset + place]) > bound {
        return (entry.name, base[entry.offset + place])
      }
    }
    return nil
  }
}
