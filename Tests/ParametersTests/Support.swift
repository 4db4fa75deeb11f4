import DenseMath
import Foundation
import Parameters
import TestSupport

/// A small generator, so that a failure can be repeated from its seed.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}

extension Parameters {
  /// All elements, copied while the block is sure to live.
  var numbers: [S] { withExtendedLifetime(self) { Array(elements) } }

  /// The elements of a weight by its name.
  subscript(name: String) -> [S] {
    get {
      withExtendedLifetime(self) {
        layout.entries.first { $0.name == name }.map { Array(elements(of: $0)) } ?? []
      }
    }
    set {
      for entry in layout.entries where entry.name == name {
        for (index, number) in newValue.enumerated() { base[entry.offset + index] = number }
      }
    }
  }

  /// Sets the elements of all weights, and nothing between them, to random numbers.
  func fill(seed: UInt64, _ number: (inout SeededGenerator) -> S) {
    var generator = SeededGenerator(seed)
    for entry in layout.entries {
      for i in 0..<entry.count { base[entry.offset + i] = number(&generator) }
    }
  }
}

/// A layout of random weights, the same for the same seed.
func randomLayout(seed: UInt64) -> ParameterLayout {
  var generator = SeededGenerator(seed)
  var layout = ParameterLayout()
  for number in 0..<Int.random(in: 1...12, using: &generator) {
    let rows = Int.random(in: 1...70, using: &generator)
    let columns = Int.random(in: 1...70, using: &generator)
    let isMatrix = Bool.random(using: &generator)
    _ = layout.declare(
      "weight\(number)", shape: isMatrix ? [rows, columns] : [columns], as: .uniform(0.5))
  }
  return layout
}

/// A block of these indices in memory that is never given back: tests are short.
func indices(_ numbers: [Int32]) -> IndexBlock {
  let memory = UnsafeMutablePointer<Int32>.allocate(capacity: max(1, numbers.count))
  memory.initialize(from: numbers, count: numbers.count)
  return IndexBlock(memory, count: numbers.count)
}
