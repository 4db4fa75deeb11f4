internal import Files

/// The weights of a trained model: a value that nobody outside the package can change.
///
///     for name in model.weights.names { print(name, model.weights.shape(of: name) ?? []) }
///
/// Copies share one block of memory, which is safe because nothing writes to it: training works on
/// a copy of its own and makes new weights of that.
public struct ModelWeights: Sendable {
  /// The block; read only.
  package let block: Parameters<Float>

  /// The weights in a block, which must not be written to any more.
  package init(_ block: Parameters<Float>) { self.block = block }

  /// The names of all weights, in the order of the file.
  public var names: [String] { block.layout.entries.map(\.name) }

  /// The number of weights that are learnt.
  public var count: Int { block.layout.weightCount }

  /// The shape of a weight, or nil where there is none of that name.
  public func shape(of name: String) -> [Int]? { entry(name)?.shape }

  /// A copy of a weight's elements, row by row; nil where there is none of that name.
  public func elements(of name: String) -> [Float]? {
    entry(name).map { Array(block.elements(of: $0)) }
  }

  /// A number that tells these weights from others (CRC-32C over all elements), as hexadecimal
  /// digits.
  public var checksum: String {
    var checksum = CRC32C()
    for entry in block.layout.entries {
      checksum.add(UnsafeRawBufferPointer(block.elements(of: entry)))
    }
    return checksum.digits
  }

  private func entry(_ name: String) -> ParameterLayout.Entry? {
    block.layout.entries.first { $0.name == name }
  }
}
