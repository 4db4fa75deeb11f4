public import DenseMath

extension ParameterLayout.Entry {
  /// Whether files of a lower precision keep the weight in it: factors of products, and tables so
  /// large that their bytes count.
  var isQuantizable: Bool { shape.count == 2 && (isFactor || count >= 1 << 16) }
}

extension ModelWeights {
  /// The weights rounded to what a file of a precision can hold: the same names and shapes.
  ///
  /// In `int8` each row of a matrix has a scale, its largest element's size by 127, and its elements
  /// are multiples of it; in `bfloat16` they have 8 significant bits. Vectors and small tables stay as they are.
  public func rounded(to precision: ProductPrecision) -> ModelWeights {
    let block = block.copy()
    for entry in block.layout.entries where entry.isQuantizable {
      let elements = block.elements(of: entry)
      switch precision {
      case .float32: break
      case .bfloat16:
        elements.baseAddress.map { Float.roundToBFloat16($0, count: elements.count) }
      case .int8:
        let width = entry.shape[1]
        for row in 0..<entry.shape[0] {
          let (scale, bytes) = quantized(elements[row * width..<(row + 1) * width])
          for column in 0..<width { elements[row * width + column] = scale * Float(bytes[column]) }
        }
      }
    }
    return ModelWeights(block)
  }
}

/// A row as bytes, -127 to 127, and what they are multiples of.
func quantized(_ row: Slice<UnsafeMutableBufferPointer<Float>>) -> (scale: Float, bytes: [Int8]) {
  let largest = row.reduce(0) { max($0, abs($1)) }
  guard largest > 0 else { return (0, Array(repeating: 0, count: row.count)) }
  let inverse = 127 / largest
  let bytes = row.map { Int8(max(-127, min(127, ($0 * inverse).rounded(.toNearestOrEven)))) }
  return (largest / 127, bytes)
}
