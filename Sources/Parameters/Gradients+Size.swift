internal import DenseMath

extension Gradients {
  /// The bytes of what holds anything: all but the rows of row-sparse weights that were not touched.
  package var touchedBytes: Int {
    var count = 0
    for piece in values.layout.pieces() { forEachStretch(in: piece) { count += $0.count } }
    return count * MemoryLayout<S>.stride
  }
}
